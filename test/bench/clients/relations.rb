# relations by pg, prepared statements; relations.js says what it is told
require 'pg'
require_relative 'serve'

find, query = ARGV[1..]
db = PG.connect
db.prepare('one', "SELECT relations.#{find}('users', $1, 'profile')")
db.prepare('page', <<~SQL)
  SELECT relations.#{query}('users',
    '{"where": {"id": {"gt": "$after"}}, "limit": 50, "preload": ["profile", "posts.comments"]}',
    jsonb_build_object('after', $1::int))
SQL
db.prepare('all', <<~SQL)
  SELECT relations.#{query}('users', '{"where": {"id": {"lte": "$last"}}, "preload": ["profile"]}',
    jsonb_build_object('last', $1::int))
SQL

documents = ->(name, key) { db.exec_prepared(name, [key]).column_values(0).map { |text| JSON.parse(text) } }

serve(
  'one' => ->(id) { documents.('one', id).first },
  'page' => ->(after) { documents.('page', after) },
  'all' => ->(last) { documents.('all', last) }
)
