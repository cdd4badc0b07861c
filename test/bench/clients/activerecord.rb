# ActiveRecord
require 'active_record'
require_relative 'serve'

ActiveRecord::Base.establish_connection(adapter: 'postgresql', pool: 1)

class User < ActiveRecord::Base
  has_one :profile
  has_many :posts
end

class Profile < ActiveRecord::Base
end

class Post < ActiveRecord::Base
  has_many :comments
end

class Comment < ActiveRecord::Base
end

serve({
  'one' => ->(id) { User.preload(:profile).find(id) },
  'page' => ->(after) { User.where('id > ?', after).order(:id).limit(50).preload(:profile, posts: :comments).to_a },
  'all' => ->(last) { User.where('id <= ?', last).order(:id).preload(:profile).to_a }
}, ->(row, name) { row.public_send(name) })
