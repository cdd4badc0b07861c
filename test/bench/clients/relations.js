// relations by node-postgres, prepared statements; told which functions to call, those that give jsonb or those that give json
import pg from 'pg'
import { serve } from './serve.js'

const [find, query] = process.argv.slice(3)
const db = new pg.Client()
await db.connect()

const documents = async (name, text, key) =>
  (await db.query({ name, text, values: [key] })).rows.map((row) => row.document)

await serve({
  one: async (id) => (await documents('one', `SELECT relations.${find}('users', $1, 'profile') AS document`, id))[0],

  page: (after) => documents('page', `
    SELECT relations.${query}('users',
      '{"where": {"id": {"gt": "$after"}}, "limit": 50, "preload": ["profile", "posts.comments"]}',
      jsonb_build_object('after', $1::int)) AS document`, after),

  all: (last) => documents('all', `
    SELECT relations.${query}('users', '{"where": {"id": {"lte": "$last"}}, "preload": ["profile"]}',
      jsonb_build_object('last', $1::int)) AS document`, last)
})
