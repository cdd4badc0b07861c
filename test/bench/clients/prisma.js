// Prisma, with its query compiler and the adapter for node-postgres: no engine in a process of its own
import { PrismaPg } from '@prisma/adapter-pg'
import prisma from './prisma/generated/index.js'
import { serve } from './serve.js'

const db = new prisma.PrismaClient({ adapter: new PrismaPg({ max: 1 }, { schema: 'bench' }) })

await serve({
  one: (id) => db.user.findUnique({ where: { id }, include: { profile: true } }),

  page: (after) => db.user.findMany({
    where: { id: { gt: after } }, orderBy: { id: 'asc' }, take: 50,
    include: { profile: true, posts: { include: { comments: true } } }
  }),

  all: (last) => db.user.findMany({ where: { id: { lte: last } }, orderBy: { id: 'asc' }, include: { profile: true } })
})
