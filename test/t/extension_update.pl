# ALTER EXTENSION UPDATE from an earlier version: its rows stay, functions and
# triggers are replaced, and a library of another version says so and does
# nothing.  There is no earlier version yet, so one is made: 0.9 is 1.0 without
# some of its functions, one column and one event trigger, with a library that
# says 0.9.  Both are put into a copy of the server's directories.
use strict;
use warnings;
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Everything;

my ($bindir, $libdir, $sharedir) = map { my $path = qx(pg_config --$_); chomp($path); $path } qw(bindir pkglibdir sharedir);
my $root = PostgreSQL::Test::Utils::tempdir_short();

# A directory of links to what is in another, but for what is made anew.
sub linked
{
	my ($from, @without) = @_;
	make_path("$root$from");
	foreach my $path (glob("$from/*"))
	{
		my $name = basename($path);
		symlink($path, "$root$from/$name") unless grep { $_ eq $name } @without;
	}
	return;
}

# programs look for the other directories from where they are, so they are no links
make_path("$root$bindir");
foreach my $program (glob("$bindir/*"))
{
	copy($program, "$root$program") or die "$program: $!";
	chmod(0755, "$root$program");
}
linked($libdir, 'relations.so');
linked($sharedir, 'extension');
linked("$sharedir/extension", 'relations.control', 'relations--1.0.sql');
$ENV{PATH} = "$root$bindir:$ENV{PATH}";

my $script = slurp_file("$sharedir/extension/relations--1.0.sql");
my $control = slurp_file("$sharedir/extension/relations.control");
my $library = do { open(my $fh, '<:raw', "$libdir/relations.so") or die; local $/ = undef; <$fh> };

sub put
{
	my ($file, $content) = @_;
	# in the place of the old one, as packages do: sessions keep the file that they have
	open(my $fh, '>:raw', "$root$file.new") or die "$file: $!";
	print $fh $content;
	close($fh);
	rename("$root$file.new", "$root$file") or die "$file: $!";
	return;
}

# What 0.9 lacks, and what the update brings.
my @functions = $script =~ /(CREATE FUNCTION relations\.(?:check|repair|forget)\(.*?;\nCOMMENT ON FUNCTION .*?;\n)/gs;
is(scalar(@functions), 3, 'functions that 0.9 lacks');
my @trigger = $script =~ /(CREATE EVENT TRIGGER relations_follow_ddl .*?;\n)/s;
my @trigger_comment = $script =~ /(COMMENT ON EVENT TRIGGER relations_follow_ddl .*?;\n)/s;
my @always = $script =~ /(ALTER EVENT TRIGGER relations_follow_ddl .*?;\n)/s;
my $earlier = $script;
$earlier =~ s/\Q$_\E// foreach (@functions, @trigger, @always, @trigger_comment);
$earlier =~ s/,\n\tcreated_table\s+boolean NOT NULL DEFAULT false//;
$earlier =~ s/COMMENT ON COLUMN relations\.relation\.created_table .*?;\n//;
$earlier =~ s/'all rows of model as documents, by primary key/'0.9: all rows of model/;
my ($preload) = $script =~ /(CREATE FUNCTION relations\.preload\(model.*?;\nCOMMENT ON FUNCTION .*?;\n)/s;
$preload =~ s/CREATE FUNCTION/CREATE OR REPLACE FUNCTION/;
my $update = join("\n", "ALTER TABLE relations.relation ADD COLUMN created_table boolean NOT NULL DEFAULT false;\n",
	"COMMENT ON COLUMN relations.relation.created_table IS 'the declaration created the pivot table';\n",
	"DROP FUNCTION relations.old_function();\n", $preload, @functions, @trigger, @always, @trigger_comment);
$earlier .= "CREATE FUNCTION relations.old_function() RETURNS int LANGUAGE sql AS 'SELECT 9';\n";
(my $old_control = $control) =~ s/default_version = '1.0'/default_version = '0.9'/;
# the catalog of 0.9 has no created_table, the library takes it for the last column: it finds none
my $old_library = $library;
is($old_library =~ s/RELATIONS_VERSION=1\.0/RELATIONS_VERSION=0.9/g, 1, 'the library says its version once');

put("$sharedir/extension/relations--0.9.sql", $earlier);
put("$sharedir/extension/relations.control", $old_control);
put("$libdir/relations.so", $old_library);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
is($node->safe_psql('source', 'SHOW dynamic_library_path'), '$libdir', 'a server of its own');
$node->safe_psql('source', 'CREATE EXTENSION relations');
is($node->safe_psql('source', q{SELECT extversion FROM pg_extension WHERE extname = 'relations'}), '0.9', '0.9 is installed');

# Declarations write created_table, which is not there yet: in 0.9 they do not.
$node->safe_psql('source', 'ALTER TABLE relations.relation ADD created_table boolean NOT NULL DEFAULT false');
$node->safe_psql('source', declare_everything());
my $catalog = q{SELECT model, relation, kind, foreign_key, constraint_name, scope FROM relations.relation ORDER BY model::text, relation};
my $read = q{SELECT relations.preload('users', 'profile.user', 'posts', 'tags', 'notes', 'marks', 'loose')};
my $rows = $node->safe_psql('source', $catalog);
my $documents = $node->safe_psql('source', $read);
like($documents, qr/"posts": \[\{"id": 2/, '0.9 reads');

# a session that was there before, with plans
my $session = $node->background_psql('source', on_error_stop => 0);
$session->query("PREPARE read AS $read");
is($session->query('EXECUTE read'), $documents, 'a session reads');
$node->safe_psql('source', 'ALTER TABLE relations.relation DROP created_table');

# the package comes
put("$sharedir/extension/relations--1.0.sql", $script);
put("$sharedir/extension/relations--0.9--1.0.sql", $update);
put("$sharedir/extension/relations.control", $control);
put("$libdir/relations.so", $library);

my ($status, $out, $err) = $node->psql('source', $read);
isnt($status, 0, 'a library that is newer than the extension does nothing');
like($err, qr/library of extension "relations" is version 1\.0, the extension in this database is version 0\.9\nHINT:  Run ALTER EXTENSION relations UPDATE/, 'and says why');
foreach my $call (
	q{INSERT INTO users_graph (id) VALUES (9)},
	q{INSERT INTO "odd schema"."Posts" VALUES (9, 1)},
	q{SELECT relations.create('users', '{"id": 9}')},
	q{SELECT relations.factory_create('seeds')},
	q{SELECT relations.has_many('users', 'more', 'loose', foreign_key => 'user_id', enforce => false)},
	q{SELECT relations.discover('public')})
{
	($status, $out, $err) = $node->psql('source', $call);
	like($err, qr/is version 1\.0, the extension in this database is version 0\.9/, "nor does $call");
}
($status, $out, $err) = $node->psql('source', 'CREATE TABLE going (id int); DROP TABLE going');
is("$status $err", '0 ', 'DDL of tables that the catalog does not mention goes on');
($status, $out, $err) = $node->psql('source', 'ALTER TABLE loose ADD going int; ALTER TABLE loose DROP going');
is($status, 0, 'nobody is kept from DDL of other tables');
like($err, qr/^psql:<stdin>:1: WARNING:  the catalog of relations could not follow the command: /, 'but is warned');

# a session that has loaded the new library before the update
my $early = $node->background_psql('source', on_error_stop => 0);
$early->query("PREPARE read AS $read");
$early->query('EXECUTE read');

($status, $out, $err) = $node->psql('source', 'ALTER EXTENSION relations UPDATE');
is($err, '', 'ALTER EXTENSION UPDATE is silent');
is($node->safe_psql('source', q{SELECT extversion FROM pg_extension WHERE extname = 'relations'}), '1.0', '1.0 is installed');
is($node->safe_psql('source', $catalog), $rows, 'its rows are those of before');
is($node->safe_psql('source', $read), $documents, 'and so are the documents');
is($early->query('EXECUTE read'), $documents, 'a session with the new library goes on, with the statement that it has prepared');
unlike($session->query('EXECUTE read') // '', qr/"posts"/, 'one with the old library does not');
ok($session->query('SELECT 1') eq '1', 'but lives');
$session->quit;
$early->quit;
is($node->safe_psql('source', q{SELECT count(*) FROM pg_proc WHERE proname = 'old_function'}), '0', 'functions went');
is($node->safe_psql('source', q{SELECT obj_description('relations.preload'::regproc) ~ '^0.9'}), 'f', 'functions were replaced');
is($node->safe_psql('source', q{SELECT count(*) FROM pg_event_trigger WHERE evtname ~ '^relations_'}), '2', 'event triggers are there');

# what is there is what CREATE EXTENSION would have made
my $members = q{SELECT pg_describe_object(classid, objid, 0) COLLATE "C" || ': ' || COALESCE(obj_description(objid, classid::regclass::name), '')
	FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'relations') ORDER BY 1};
$node->safe_psql('postgres', 'CREATE EXTENSION relations');
is($node->safe_psql('source', $members), $node->safe_psql('postgres', $members), 'the members are those of a new extension');
works_in($node, 'source', 'updated');
$node->stop;
done_testing();
