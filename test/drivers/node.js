#!/usr/bin/env node
// relations from Node.js, by node-postgres.
//
// In a database with the extension, and with none of these tables:
//	npm ci && PGDATABASE=example node node.js
const assert = require('assert')
const { Client } = require('pg')

let steps = 0
const done = (step) => console.log(`ok ${++steps} - ${step}`)

async function main () {
  const db = new Client() // PGHOST, PGDATABASE and the like say where
  await db.connect()

  await db.query(`
    CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE);
    CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bio text);
    CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, views int DEFAULT 0)`)
  await db.query("SELECT relations.has_one('users', 'profile', 'profiles', add_column => true)")
  const declared = await db.query('SELECT * FROM relations.has_many($1, $2, $3, add_column => true)', ['users', 'posts', 'posts'])
  assert.strictEqual(declared.rows[0].constraint_name, 'posts_user_id_fkey')
  await db.query("SELECT relations.create_view('users_graph', 'users', 'profile', 'posts')")
  done('declares relations')

  // An object becomes JSON by itself; an array has to be made JSON, or it would be sent as an array of PostgreSQL.
  const inserted = await db.query(
    'INSERT INTO users_graph (name, email, profile, posts) VALUES ($1, $2, $3, $4) RETURNING id, posts',
    ['Jürgen', 'j@test.com', { bio: 'Writer' }, JSON.stringify([{ title: 'Größe' }, { title: 'Two', views: 7 }])])
  const { id, posts } = inserted.rows[0]
  assert.deepStrictEqual(posts.map(post => [post.title, post.views, post.user_id]), [['Größe', 0, id], ['Two', 7, id]])
  done('creates a graph through the view')

  const mina = { name: 'Mina', email: 'mina@test.com', posts: [{ title: 'Mine' }] }
  const created = await db.query("SELECT relations.create('users', $1) AS doc", [mina])
  const stored = created.rows[0].doc
  assert.strictEqual(stored.posts[0].user_id, stored.id)
  done('creates a graph by a function')

  const all = await db.query("SELECT relations.preload('users', 'profile', 'posts') AS doc")
  assert.deepStrictEqual(all.rows.map(row => row.doc.posts.length), [2, 1])
  assert.strictEqual(all.rows[1].doc.profile, null)
  done('preloads')

  // a prepared statement; its key is a parameter without a type
  const find = async (key) => {
    const text = "SELECT relations.find('users', $1, 'profile') AS doc"
    return (await db.query({ name: 'find', text, values: [key] })).rows[0].doc
  }
  assert.strictEqual((await find(id)).name, 'Jürgen')
  assert.strictEqual((await find('2')).name, 'Mina')
  assert.strictEqual(await find(4711), null)
  done('finds a row by a parameter')

  const popular = { where: { posts: { some: { views: { gte: '$least' } } } }, preload: ['posts'] }
  const queried = await db.query("SELECT relations.query('users', $1, $2) AS doc", [popular, { least: 5 }])
  assert.deepStrictEqual(queried.rows.map(row => row.doc.name), ['Jürgen'])
  done('queries with parameters')

  const user = await find(id)
  assert.strictEqual(user.profile.bio, 'Writer')
  done('reads a value out of a document')

  const updated = await db.query(
    'UPDATE users_graph SET profile = $1, posts = $2 WHERE id = $3 RETURNING profile, posts',
    [{ bio: 'Editor' }, JSON.stringify([{ title: 'Three' }]), id])
  assert.strictEqual(updated.rows[0].profile.bio, 'Editor')
  assert.deepStrictEqual(updated.rows[0].posts.map(post => post.title), ['Three'])
  done('updates through the view')

  await assert.rejects(
    db.query("SELECT relations.create('users', $1)", [{ name: 'Vic', posts: [{ title: 'A' }, { views: 'many' }] }]),
    (error) => error.code === '22P02' && error.where === 'document "posts[1].views"')
  done('tells the code and the place of an error')

  await db.end()
}

main().catch((error) => { console.error(error); process.exit(1) })
