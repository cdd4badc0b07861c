// AdonisJS Lucid's factories: as many users as the argument says, with a profile and five posts each.
// Prints the milliseconds that it took.
import { Emitter } from '@adonisjs/core/events'
import { Logger } from '@adonisjs/core/logger'
import { Database } from '@adonisjs/lucid/database'
import factory from '@adonisjs/lucid/factories'
import { Adapter, BaseModel, column, hasMany, hasOne } from '@adonisjs/lucid/orm'
import { DateTime } from 'luxon'

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

class Post extends BaseModel {}
define(Post, 'posts', { id: column({ isPrimary: true }), userId: column(), title: column(), views: column(), publishedOn: column.date() })

class User extends BaseModel {}
define(User, 'users', {
  id: column({ isPrimary: true }), name: column(), email: column(), createdAt: column.dateTime(), profile: hasOne(() => Profile), posts: hasMany(() => Post)
})

const profiles = factory.define(Profile, ({ faker }) => ({ bio: faker.lorem.paragraph(), city: faker.location.city() })).build()
const posts = factory.define(Post, ({ faker }) => ({
  title: faker.lorem.sentence(3), views: faker.number.int(10000), publishedOn: DateTime.fromJSDate(faker.date.past())
})).build()
let number = 0
const users = factory.define(User, ({ faker }) => ({
  name: faker.person.fullName(), email: `user.${faker.person.lastName()}${++number}@example.com`, createdAt: DateTime.fromJSDate(faker.date.past())
})).relation('profile', () => profiles).relation('posts', () => posts).build()

const start = process.hrtime.bigint()
await users.with('profile').with('posts', 5).createMany(Number(process.argv[2]))
console.log(Number(process.hrtime.bigint() - start) / 1e6)
process.exit(0)
