# What the programs in Ruby share; serve.js says what it does.
require 'json'

$stdout.sync = true
USERS = Integer(ARGV[0])
LIMITS = { 'one' => USERS, 'page' => USERS - 50, 'all' => 1 }.freeze

def digest(user, graph, get)
  by_id = ->(rows) { rows.sort_by { |row| get.(row, 'id') } }
  profile = get.(user, 'profile')
  posts = graph ? by_id.(get.(user, 'posts')) : nil
  [get.(user, 'id'), get.(user, 'name'), profile && %w[id bio city].map { |name| get.(profile, name) },
   posts&.map do |post|
     comments = by_id.(get.(post, 'comments'))
     [get.(post, 'id'), get.(post, 'title'), comments.map { |comment| [get.(comment, 'id'), get.(comment, 'body')] }]
   end]
end

def serve(cases, get = ->(row, name) { row[name] })
  calls = Hash.new(0)
  puts 'ready'
  $stdin.each_line do |line|
    what, name, number = line.split
    number = Integer(number)
    if what == 'check'
      puts JSON.generate([cases[name].(number)].flatten(1).map { |user| digest(user, name == 'page', get) })
    else
      start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      number.times do
        key = name == 'all' ? [10_000, USERS].min : 1 + calls[name] * 7919 % LIMITS[name]
        calls[name] += 1
        cases[name].(key)
      end
      puts((Process.clock_gettime(Process::CLOCK_MONOTONIC) - start) * 1000 / number)
    end
  end
end
