// AdonisJS Lucid, outside of an application: its own database manager, adapter and models.
// Decorators are called as functions, which is what TypeScript makes of them.
import { Emitter } from '@adonisjs/core/events'
import { Logger } from '@adonisjs/core/logger'
import { Database } from '@adonisjs/lucid/database'
import { Adapter, BaseModel, column, hasMany, hasOne } from '@adonisjs/lucid/orm'
import { serve } from './serve.js'

const db = new Database({
  connection: 'pg',
  connections: {
    pg: {
      client: 'pg',
      connection: { host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password: process.env.PGPASSWORD, database: process.env.PGDATABASE },
      searchPath: ['bench'],
      pool: { min: 1, max: 1 }
    }
  }
}, new Logger({ enabled: false }), new Emitter({}))
BaseModel.$adapter = new Adapter(db)

const define = (model, table, columns) => {
  model.table = table
  for (const [name, decorate] of Object.entries(columns)) decorate(model.prototype, name)
}

class Profile extends BaseModel {}
define(Profile, 'profiles', { id: column({ isPrimary: true }), userId: column(), bio: column(), city: column() })

class Comment extends BaseModel {}
define(Comment, 'comments', {
  id: column({ isPrimary: true }), postId: column(), author: column(), body: column(), score: column(), createdAt: column.dateTime()
})

class Post extends BaseModel {}
define(Post, 'posts', {
  id: column({ isPrimary: true }), userId: column(), title: column(), body: column(), published: column(), createdAt: column.dateTime(),
  comments: hasMany(() => Comment)
})

class User extends BaseModel {}
define(User, 'users', {
  id: column({ isPrimary: true }), name: column(), email: column(), age: column(), createdAt: column.dateTime(),
  profile: hasOne(() => Profile), posts: hasMany(() => Post)
})

await serve({
  one: (id) => User.query().where('id', id).preload('profile').firstOrFail(),

  page: (after) => User.query().where('id', '>', after).orderBy('id').limit(50)
    .preload('profile').preload('posts', (posts) => posts.preload('comments')),

  all: (last) => User.query().where('id', '<=', last).orderBy('id').preload('profile')
})
