#!/usr/bin/env node
// An application that keeps Lucid for its models and asks relations for graphs.
//
// In a database with the extension, and with none of these tables:
//	npm ci && PGHOST=/var/run/postgresql PGDATABASE=example node app.js
import assert from 'node:assert'
import { db, Post, User } from './models.js'
import { create, documents, preload } from './relations.js'

let steps = 0
const done = (step) => console.log(`ok ${++steps} - ${step}`)

// what migrations say, once: the tables by the schema builder, the relations by relations
await db.connection().schema
  .createTable('users', (table) => {
    table.increments('id')
    table.string('full_name').notNullable()
    table.string('email').unique()
    table.string('password')
    table.timestamp('created_at', { useTz: true }).defaultTo(db.connection().knexRawQuery('now()'))
  })
  .createTable('profiles', (table) => {
    table.increments('id')
    table.integer('user_id').references('users.id')
    table.string('description')
  })
  .createTable('posts', (table) => {
    table.increments('id')
    table.integer('user_id').references('users.id')
    table.string('title')
    table.timestamp('published_at', { useTz: true })
  })
  .createTable('tags', (table) => {
    table.increments('id')
    table.string('name').unique()
  })
for (const declaration of [
  "relations.has_one('users', 'profile', 'profiles')",
  "relations.belongs_to('profiles', 'user', 'users')",
  "relations.has_many('users', 'posts', 'posts')",
  "relations.belongs_to('posts', 'user', 'users')",
  "relations.many_to_many('posts', 'tags', 'tags')",
  "relations.model('users', hidden => 'password')"
]) await db.rawQuery(`SELECT ${declaration}`)
done('declares relations in migrations')

// Lucid writes as it always did, and a second profile is refused by the constraint that the declaration made
const aswin = await User.create({ fullName: 'Aswin', email: 'aswin@test.com', password: 'secret' })
await aswin.related('profile').create({ description: 'Backend developer' })
await assert.rejects(aswin.related('profile').create({ description: 'a second one' }), { code: '23505' })
done('writes by Lucid under the constraints of relations')

const mina = await create(User, {
  full_name: 'Mina',
  email: 'mina@test.com',
  profile: { description: 'Writer' },
  posts: [
    { title: 'Hello', published_at: '2026-01-05T10:00:00Z', tags: [{ name: 'life' }, { name: 'sql' }] },
    { title: 'Draft', tags: { $connect_or_create: { where: { name: 'sql' }, create: { name: 'sql' } } } }
  ]
})
assert(mina instanceof User && mina.$isPersisted && mina.posts[0] instanceof Post)
assert.strictEqual(mina.posts[1].userId, mina.id)
done('writes a graph by one call')

// the same as Lucid's preload gives, by one statement
const ours = await preload(User, { order: ['id'], preload: ['profile', 'posts.tags'] })
const lucids = await User.query().orderBy('id').preload('profile')
  .preload('posts', (posts) => posts.orderBy('id').preload('tags', (tags) => tags.orderBy('tags.id')))
const plain = (users) => users.map((user) => user.serialize())
assert.deepStrictEqual(plain(ours), plain(lucids))
assert.strictEqual(ours[1].posts[0].publishedAt.toMillis(), lucids[1].posts[0].publishedAt.toMillis())
assert.strictEqual(ours[0].profile.description, 'Backend developer')
done('preloads what Lucid preloads')

// what came from a document is a model like any other
ours[0].profile.description = 'Frontend developer'
await ours[0].profile.save()
await ours[0].load('posts')
assert.deepStrictEqual(ours[0].posts, [])
assert.strictEqual((await User.query().preload('profile').firstOrFail()).profile.description, 'Frontend developer')
done('saves an instance that came from a document')

// what Lucid has no query for: a filter through two relations, counts, and the newest of each, in camelCase
const [document] = await documents(User, {
  key_case: 'camel',
  select: ['id', 'full_name'],
  where: { posts: { some: { tags: { some: { name: '$tag' } } } } },
  count: { posts_count: 'posts' },
  preload: { posts: { select: ['title'], order: ['-published_at'], limit: 1, where: { published_at: { is_null: false } } } }
}, { params: { tag: 'sql' } })
assert.deepStrictEqual(document, { id: 2, posts: [{ title: 'Hello' }], fullName: 'Mina', postsCount: 2 })
done('queries with parameters')

// both take part in one transaction
await assert.rejects(db.transaction(async (trx) => {
  const user = await User.create({ fullName: 'Zoe', email: 'zoe@test.com' }, { client: trx })
  await trx.rawQuery('SELECT relations.create_related(?, ?, ?, ?)', ['users', user.id, 'posts', JSON.stringify({ title: 'Ode' })])
  const [inside] = await preload(User, { where: { id: user.id }, preload: ['posts'] }, { client: trx })
  assert.strictEqual(inside.posts[0].title, 'Ode')
  throw new Error('no')
}), { message: 'no' })
assert.strictEqual((await documents(User, {})).length, 2)
done('takes part in a transaction')

await db.manager.closeAll()
