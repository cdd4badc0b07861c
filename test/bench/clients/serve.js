// What the programs for Node.js share: they do as test/bench/client.py tells them, a line at a time.
//
//	check CASE KEY      answers with what the case gives for that key, as JSON
//	time CASE CALLS     makes that many calls, and answers with milliseconds a call
//
// Cases are functions: one(id), page(after), all(last).  Keys follow each other alike in all languages.
import { createInterface } from 'node:readline'

const users = Number(process.argv[2])
const limits = { one: users, page: users - 50, all: 1 }

// ORMs need not say in which order children come
const byId = (rows) => [...rows].sort((a, b) => a.id - b.id)

const digest = (user, graph) => [
  user.id, user.name, user.profile && [user.profile.id, user.profile.bio, user.profile.city],
  graph
    ? byId(user.posts).map((post) => [
      post.id, post.title, byId(post.comments).map((comment) => [comment.id, comment.body])])
    : null]

export async function serve (cases) {
  const calls = { one: 0, page: 0, all: 0 }
  console.log('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, name, number] = line.split(' ')
    if (what === 'check') {
      console.log(JSON.stringify([].concat(await cases[name](Number(number))).map((user) => digest(user, name === 'page'))))
    } else {
      const start = process.hrtime.bigint()
      for (let i = 0; i < number; i++) {
        const key = name === 'all' ? Math.min(10000, users) : 1 + (calls[name]++ * 7919) % limits[name]
        await cases[name](key)
      }
      console.log(Number(process.hrtime.bigint() - start) / 1e6 / number)
    }
  }
  process.exit(0)
}
