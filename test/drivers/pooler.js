#!/usr/bin/env node
// relations from Node.js through a pooler in transaction mode: each transaction of a client may run in
// another session of the server.  test/t/pooler.pl makes the tables and says in NAMED whether the pooler
// takes statements by name.
const assert = require('assert')
const { Client } = require('pg')

let steps = 0
const done = (step) => console.log(`ok ${++steps} - ${step}`)
const named = process.env.NAMED === '1'
const CLIENTS = 12

async function main () {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => {
    const client = new Client()
    await client.connect()
    return client
  }))
  const each = (work) => Promise.all(clients.map(work))
  const run = async (client, text, values = []) =>
    (await client.query(named ? { name: text.slice(0, 60), text, values } : { text, values })).rows
  const transaction = async (client, work) => {
    await client.query('BEGIN')
    try {
      const result = await work()
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    }
  }

  const sessions = new Set()
  for (let round = 0; round < 5; round++) {
    await each(async (client, i) => {
      const rows = await run(client, 'SELECT pg_backend_pid() AS pid, relations.find(\'users\', $1, \'posts\') AS doc', [1 + i % 4])
      sessions.add(rows[0].pid)
      assert.strictEqual(rows[0].doc.id, 1 + i % 4)
      assert.strictEqual(rows[0].doc.posts.length, 5)
    })
  }
  assert(sessions.size <= 3, `${sessions.size} sessions`)
  done('many clients share few sessions and their plans')

  await each(async (client, i) => {
    const rows = await run(client, "SELECT relations.query('posts', $1, $2) AS doc", [{ where: { user_id: '$user', title: { like: '$title' } }, order: ['id'] }, { user: 1 + i % 4, title: 'post%' }])
    assert.deepStrictEqual(rows.map(row => row.doc.user_id), Array(5).fill(1 + i % 4))
  })
  done('each gets the answer to its own values')

  // who one is lasts as long as the transaction, and so do the plans that were made for him
  for (let round = 0; round < 5; round++) {
    await each((client, i) => transaction(client, async () => {
      const role = i % 2 ? 'alice' : 'bob'
      await client.query(`SET LOCAL ROLE ${role}`)
      const rows = await run(client, "SELECT relations.preload('secrets') AS doc")
      assert.deepStrictEqual(rows.map(row => row.doc.owner), [role, role])
      const visible = await run(client, "SELECT relations.find('users', 1) AS doc")
      assert.strictEqual('email' in visible[0].doc, role === 'alice')
    }))
    const rows = await run(clients[0], "SELECT relations.find('users', 1) AS doc")
    assert.strictEqual('email' in rows[0].doc, true)
  }
  done('roles are those of the transaction')

  // as long as the transaction, too
  await transaction(clients[0], async () => {
    await client0('SET LOCAL relations.batch_memory = \'1MB\'')
    assert.strictEqual((await client0('SHOW relations.batch_memory')).rows[0]['relations.batch_memory'], '1MB')
  })
  await each(async (client) => {
    const rows = (await client.query('SELECT current_setting(\'relations.batch_memory\', true) AS value')).rows
    assert(['64MB', null, ''].includes(rows[0].value), rows[0].value)
  })
  await assert.rejects(run(clients[1], "SELECT relations.preload('users', 'posts', 'secrets')", []), { code: '54000' })
  done('settings are those of the transaction, limits those of the role')

  // sessions that kept plans see what another altered
  for (const [from, to] of [['title', 'headline'], ['headline', 'title']]) {
    await run(clients[0], `ALTER TABLE posts RENAME ${from} TO ${to}`)
    await each(async (client) => {
      const rows = await run(client, 'SELECT relations.find(\'users\', 1, \'posts\') AS doc')
      assert(to in rows[0].doc.posts[0])
    })
  }
  await run(clients[0], "SELECT FROM relations.has_many('users', 'titled', 'posts', scope => '{\"where\": {\"title\": {\"like\": \"post%\"}}}')")
  await each(async (client) => {
    const rows = await run(client, 'SELECT relations.find(\'users\', 1, \'titled\') AS doc')
    assert.strictEqual(rows[0].doc.titled.length, 5)
  })
  await run(clients[0], "SELECT relations.drop_relation('users', 'titled')")
  await each((client) => assert.rejects(run(client, 'SELECT relations.find(\'users\', 1, \'titled\') AS doc'), { code: '42704' }))
  done('declarations and renames between are followed')

  const created = await each(async (client, i) => {
    const rows = await run(client, "SELECT relations.create('users', $1) AS doc", [{ name: `made ${i}`, posts: [{ title: 'one' }, { title: 'two' }] }])
    return rows[0].doc
  })
  assert(created.every(doc => doc.posts.every(post => post.user_id === doc.id)))
  await each((client, i) => transaction(client, async () => {
    await run(client, "SELECT relations.create_related('users', $1, 'posts', $2)", [created[i].id, { title: 'three' }])
    await run(client, "SELECT relations.update('users', $1, $2)", [created[i].id, { name: 'renamed' }])
  }))
  await assert.rejects(transaction(clients[2], async () => {
    await run(clients[2], "SELECT relations.create('users', $1)", [{ name: 'gone' }])
    await run(clients[2], "SELECT relations.create('users', $1)", [{ name: 'gone', posts: [{ id: 'x' }] }])
  }), { code: '22P02' })
  const left = await run(clients[3], "SELECT count(*)::int AS n, (SELECT count(*)::int FROM posts WHERE title IN ('one', 'two', 'three')) AS posts FROM users WHERE name IN ('renamed', 'gone')")
  assert.deepStrictEqual(left[0], { n: CLIENTS, posts: CLIENTS * 3 })
  done('transactions write, all or nothing')

  await Promise.all(clients.map(client => client.end()))

  function client0 (text) { return clients[0].query(text) }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
