// Drizzle's relational queries, prepared
import { drizzle } from 'drizzle-orm/node-postgres'
import { asc, gt, lte, eq, relations, sql } from 'drizzle-orm'
import { boolean, integer, numeric, pgSchema, text, timestamp } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { serve } from './serve.js'

const bench = pgSchema('bench')
const createdAt = () => timestamp('created_at', { withTimezone: true }).notNull()

const users = bench.table('users', {
  id: integer('id').primaryKey(), name: text('name').notNull(), email: text('email').notNull(), age: integer('age'), createdAt: createdAt()
})
const profiles = bench.table('profiles', {
  id: integer('id').primaryKey(), userId: integer('user_id').notNull(), bio: text('bio'), city: text('city')
})
const posts = bench.table('posts', {
  id: integer('id').primaryKey(), userId: integer('user_id').notNull(), title: text('title').notNull(), body: text('body').notNull(),
  published: boolean('published').notNull(), createdAt: createdAt()
})
const comments = bench.table('comments', {
  id: integer('id').primaryKey(), postId: integer('post_id').notNull(), author: text('author').notNull(), body: text('body').notNull(),
  score: numeric('score'), createdAt: createdAt()
})

const usersRelations = relations(users, ({ one, many }) => ({
  profile: one(profiles, { fields: [users.id], references: [profiles.userId] }), posts: many(posts)
}))
const postsRelations = relations(posts, ({ one, many }) => ({
  user: one(users, { fields: [posts.userId], references: [users.id] }), comments: many(comments)
}))
const commentsRelations = relations(comments, ({ one }) => ({
  post: one(posts, { fields: [comments.postId], references: [posts.id] })
}))

const client = new pg.Client()
await client.connect()
const db = drizzle(client, { schema: { users, profiles, posts, comments, usersRelations, postsRelations, commentsRelations } })

const one = db.query.users.findFirst({
  where: eq(users.id, sql.placeholder('id')), with: { profile: true }
}).prepare('one')
const page = db.query.users.findMany({
  where: gt(users.id, sql.placeholder('after')), orderBy: asc(users.id), limit: 50,
  with: { profile: true, posts: { with: { comments: true } } }
}).prepare('page')
const all = db.query.users.findMany({
  where: lte(users.id, sql.placeholder('last')), orderBy: asc(users.id), with: { profile: true }
}).prepare('all')

await serve({
  one: (id) => one.execute({ id }),
  page: (after) => page.execute({ after }),
  all: (last) => all.execute({ last })
})
