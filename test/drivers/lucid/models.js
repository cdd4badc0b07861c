// The models of an application, as app/models has them, and its database as config/database.ts and the
// service @adonisjs/lucid/services/db make it.  Decorators are called as functions, which is what TypeScript
// makes of them.
import { Emitter } from '@adonisjs/core/events'
import { Logger } from '@adonisjs/core/logger'
import { Database } from '@adonisjs/lucid/database'
import { Adapter, BaseModel, belongsTo, column, hasMany, hasOne, manyToMany } from '@adonisjs/lucid/orm'

const { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password, PGDATABASE: database } = process.env

export const db = new Database({
  connection: 'pg',
  connections: { pg: { client: 'pg', connection: { host, port: Number(port), user, password, database } } }
}, new Logger({ enabled: false }), new Emitter({}))
BaseModel.$adapter = new Adapter(db)

const define = (model, properties) => {
  for (const [name, decorate] of Object.entries(properties)) decorate(model.prototype, name)
}

export class Profile extends BaseModel {}
export class Tag extends BaseModel {}
export class Post extends BaseModel {}
export class User extends BaseModel {}

define(Profile, { id: column({ isPrimary: true }), userId: column(), description: column(), user: belongsTo(() => User) })
define(Tag, { id: column({ isPrimary: true }), name: column() })
define(Post, {
  id: column({ isPrimary: true }), userId: column(), title: column(), publishedAt: column.dateTime(),
  user: belongsTo(() => User), tags: manyToMany(() => Tag, { pivotTable: 'post_tag' })
})
define(User, {
  id: column({ isPrimary: true }), fullName: column(), email: column(), password: column({ serializeAs: null }),
  createdAt: column.dateTime(), profile: hasOne(() => Profile), posts: hasMany(() => Post)
})
