// relations beside Lucid: a preload is one call of relations.query, and what comes back are
// instances of Lucid's models, or plain documents.
import { db } from './models.js'

// Plain documents.  client: a transaction, to read inside of it.
export async function documents (Model, query, { client = db, params = {} } = {}) {
  const text = 'SELECT relations.query(?, ?, ?) AS doc'
  const { rows } = await client.rawQuery(text, [Model.table, JSON.stringify(query), JSON.stringify(params)])
  return rows.map((row) => row.doc)
}

// Instances of the model, with their relations as Lucid's own preload leaves them.
export async function preload (Model, query, options = {}) {
  const found = await documents(Model, query, options)
  return found.map((document) => instance(Model, document, options.client))
}

// A graph, written by one statement.
export async function create (Model, document, { client = db } = {}) {
  const { rows } = await client.rawQuery('SELECT relations.create(?, ?) AS doc', [Model.table, JSON.stringify(document)])
  return instance(Model, rows[0].doc, client)
}

function instance (Model, document, client) {
  const row = {}
  const sideloaded = {}
  const related = []
  for (const [key, value] of Object.entries(document)) {
    const column = Model.$keys.columnsToAttributes.get(key, null)
    if (Model.$hasRelation(key)) related.push([key, value])
    else if (column === null) sideloaded[key] = value // a pivot, a count
    // Lucid expects dates as the driver gives them
    else if (/^date/.test(Model.$getColumn(column).meta?.type ?? '') && value !== null) row[key] = new Date(value)
    else row[key] = value
  }
  const model = Model.$createFromAdapterResult(row, sideloaded, client?.isTransaction ? { client } : undefined)
  for (const [name, value] of related) {
    const Related = Model.$getRelation(name).relatedModel()
    const one = (child) => instance(Related, child, client)
    model.$setRelated(name, Array.isArray(value) ? value.map(one) : value && one(value))
  }
  return model
}
