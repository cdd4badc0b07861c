# What json_schema and typescript say of documents is true of documents: a
# validator of JSON Schema accepts those that the server makes and refuses them
# once they are spoilt; tsc --strict accepts a program that uses them as they
# are and refuses one that forgets a null; and the program runs.
use strict;
use warnings;
use Cwd qw(getcwd);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $drivers = 'test/drivers';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE types TEMPLATE template0 ENCODING 'UTF8'});
$node->safe_psql('types', slurp_file("$drivers/documents.sql"));

sub run_command
{
	my (@command) = @_;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'types',
		PGUSER => $node->safe_psql('postgres', 'SELECT current_user'));
	my $output = '';
	my $ran = eval { IPC::Run::run(\@command, '<', \undef, '>&', \$output, IPC::Run::timeout(180)); 1 };
	return ($ran ? $? >> 8 : "it did not run: $@", $output);
}

# ---------------------------------------------------------------------
# JSON Schema
# ---------------------------------------------------------------------
my ($python) = grep { system("$_ -c 'from jsonschema import Draft202012Validator; import psycopg' 2> /dev/null") == 0 }
	('/usr/bin/python3', 'python3');
SKIP:
{
	skip 'no python3-jsonschema with draft 2020-12', 1 if !defined $python;
	my ($status, $output) = run_command($python, "$drivers/documents.py");
	is($status, 0, 'json_schema fits the documents, and not those that are spoilt') or diag($output);
	like($output, qr/^ok \d+ queries, [1-9]\d+ documents, [1-9]\d+ spoilt$/m, 'and many were looked at');
	note($output);
}

# ---------------------------------------------------------------------
# TypeScript
# ---------------------------------------------------------------------
SKIP:
{
	my $tsc = "$drivers/node_modules/typescript/bin/tsc";
	skip 'TypeScript is not installed', 1 if !-e $tsc;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	symlink(getcwd() . "/$drivers/node_modules", "$dir/node_modules") or die $!;
	my $declarations = join "\n", map { $node->safe_psql('types', "SELECT relations.typescript($_)") } (
		q{'kinds'},
		q{'users', '{"preload": {"profile": true, "posts": {"preload": ["author"]}}, "count": {"posts_count": "posts"}}'},
		q{'posts', '{"key_case": "camel", "cursor": true, "preload": ["author", "tags"]}', 'Post'},
		q{'notes', '{"preload": ["about"]}'},
		q{'folders', '{"preload": {"children": {"recursive": true}}}'});
	my @options = ('--strict', '--noEmitOnError', '--target', 'es2022', '--module', 'commonjs', '--types', 'node,pg', '--typeRoots', "$dir/node_modules/\@types");
	append_to_file("$dir/documents.ts", $declarations);
	my %programs = (good => slurp_file("$drivers/documents_typed.ts"));
	# each forgets something that --strict must notice
	my %wrong = (
		'a to-one that may be null' => 'export const f = (user: UsersDocument): string | null => user.profile.bio;',
		'a column that may be null' => 'export const f = (user: UsersDocument): string => user.nickname;',
		'a key that is not there' => 'export const f = (user: UsersDocument): unknown => user.password;',
		'a value that no enum has' => 'export const f = (post: Post): boolean => post.state === "lost";',
		'a number that may be NaN' => 'export const f = (kind: KindsDocument): number => kind.f8;',
		'a branch that may have ended' => 'export const f = (folder: FoldersDocument): number => folder.children[0]!.children.length;',
	);
	append_to_file("$dir/good.ts", $programs{good});
	my ($status, $output) = run_command('node', $tsc, @options, '--outDir', "$dir/out", "$dir/good.ts");
	is($status, 0, 'tsc --strict accepts the declarations and a program that uses them') or diag($output, $declarations);
	my $n = 0;
	for my $what (sort keys %wrong)
	{
		$n++;
		append_to_file("$dir/wrong$n.ts",
			"import type { UsersDocument, Post, KindsDocument, FoldersDocument } from './documents';\n$wrong{$what}\n");
	}
	# one run for all: a line of its output for each
	($status, $output) = run_command('node', $tsc, @options, '--noEmit', map { "$dir/wrong$_.ts" } 1 .. $n);
	isnt($status, 0, 'tsc --strict refuses programs that misuse them');
	$n = 0;
	for my $what (sort keys %wrong)
	{
		$n++;
		like($output, qr/wrong$n\.ts\(2,\d+\): error TS(2322|2339|2367|18047|18048|2531|2532)/, "it refuses $what");
	}
	unlike($output, qr/(documents|good)\.ts\(/, 'and has nothing against the declarations');
	($status, $output) = run_command('node', "$dir/out/good.js");
	is($status, 0, 'the program runs') or diag($output);
	like($output, qr/^Ada: 2 posts, the first by Ada; no profile$/m, 'and reads what is there');
}
$node->stop;
done_testing();
