#!/usr/bin/perl
# relations from Perl, by DBD::Pg.
#
# In a database with the extension, and with none of these tables:
#	PGDATABASE=example perl perl.pl
use strict;
use warnings;
use utf8;
use DBI;
use JSON::PP;

$| = 1;
my $steps = 0;
sub done { print 'ok ', ++$steps, " - $_[0]\n" }

sub same
{
	my ($got, $expected) = @_;
	($got // 'null') eq $expected or die "expected $expected, got " . ($got // 'null') . "\n";
}

# PGHOST, PGDATABASE and the like say where
my $db = DBI->connect('dbi:Pg:', '', '', { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
# strings, not bytes, both ways: DBD::Pg does the encoding
my $json = JSON::PP->new->canonical;

$db->do($_) for (
	'CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE)',
	'CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bio text)',
	'CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, views int DEFAULT 0)',
	q{SELECT relations.has_one('users', 'profile', 'profiles', add_column => true)});
my ($constraint) = $db->selectrow_array('SELECT constraint_name FROM relations.has_many(?, ?, ?, add_column => true)',
	undef, 'users', 'posts', 'posts');
same($constraint, 'posts_user_id_fkey');
$db->do(q{SELECT relations.create_view('users_graph', 'users', 'profile', 'posts')});
done('declares relations');

my ($id, $posts) = $db->selectrow_array(
	'INSERT INTO users_graph (name, email, profile, posts) VALUES (?, ?, ?, ?) RETURNING id, posts',
	undef, 'Jürgen', 'j@test.com', $json->encode({ bio => 'Writer' }),
	$json->encode([ { title => 'Größe' }, { title => 'Two', views => 7 } ]));
same(join(', ', map { "$_->{title} $_->{views} $_->{user_id}" } @{ $json->decode($posts) }), "Größe 0 $id, Two 7 $id");
done('creates a graph through the view');

my $mina = { name => 'Mina', email => 'mina@test.com', posts => [ { title => 'Mine' } ] };
my ($document) = $db->selectrow_array(q{SELECT relations.create('users', ?)}, undef, $json->encode($mina));
my $user = $json->decode($document);
same($user->{posts}[0]{user_id}, $user->{id});
done('creates a graph by a function');

my $documents = $db->selectcol_arrayref(q{SELECT relations.preload('users', 'profile', 'posts')});
my @users = map { $json->decode($_) } @$documents;
same(join(', ', map { scalar @{ $_->{posts} } } @users), '2, 1');
same($users[1]{profile}, 'null');
done('preloads');

# a prepared statement; its key is a parameter without a type
my $find = $db->prepare(q{SELECT relations.find('users', ?, 'profile')});

sub find
{
	my ($key) = @_;
	my ($found) = $db->selectrow_array($find, undef, $key);
	return defined $found ? $json->decode($found) : {};
}
same(find($id)->{name}, 'Jürgen');
same(find('2')->{name}, 'Mina');
same(find(4711)->{name}, 'null');
done('finds a row by a parameter');

my $popular = { where => { posts => { some => { views => { gte => '$least' } } } }, preload => ['posts'] };
my $queried = $db->selectcol_arrayref(q{SELECT relations.query('users', ?, ?)}, undef,
	$json->encode($popular), $json->encode({ least => 5 }));
same(join(', ', map { $json->decode($_)->{name} } @$queried), 'Jürgen');
done('queries with parameters');

same(find($id)->{profile}{bio}, 'Writer');
done('reads a value out of a document');

my ($bio, $now) = $db->selectrow_array(
	q{UPDATE users_graph SET profile = ?, posts = ? WHERE id = ? RETURNING profile ->> 'bio', posts},
	undef, $json->encode({ bio => 'Editor' }), $json->encode([ { title => 'Three' } ]), $id);
same($bio, 'Editor');
same(join(', ', map { $_->{title} } @{ $json->decode($now) }), 'Three');
done('updates through the view');

my $wrong = { name => 'Vic', posts => [ { title => 'A' }, { views => 'many' } ] };
eval { $db->do(q{SELECT relations.create('users', ?)}, undef, $json->encode($wrong)); 1 }
  and die "a document with an error was stored\n";
same($db->state, '22P02');
same($db->pg_error_field('context'), 'document "posts[1].views"');
done('tells the code and the place of an error');
$db->disconnect;
