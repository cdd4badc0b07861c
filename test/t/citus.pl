# Tables that Citus distributes over two nodes by tenant, with keys of tenant
# and id, and reference tables: documents are read and written, and what is of
# one tenant asks one shard.  Citus is in no Debian release: where the server does
# not offer the extension, nothing is tested.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('coordinator');
$node->init;
$node->start;
plan skip_all => 'the server offers no extension "citus"'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'}) == 0;
$node->stop;
my $worker = PostgreSQL::Test::Cluster->new('worker');
$worker->init;
for ($node, $worker)
{
	$_->append_conf('postgresql.conf',
		"shared_preload_libraries = 'citus'\nlisten_addresses = '127.0.0.1'\nwal_level = logical\ncitus.local_hostname = '127.0.0.1'\ncitus.node_conninfo = 'sslmode=prefer'\n");
	$_->start;
	$_->safe_psql('postgres', 'CREATE EXTENSION citus');
}
$node->safe_psql('postgres', "SELECT citus_set_coordinator_host('127.0.0.1', @{[ $node->port ]})");
$node->safe_psql('postgres', "SELECT citus_set_node_property('127.0.0.1', @{[ $node->port ]}, 'shouldhaveshards', true)");
$node->safe_psql('postgres', "SELECT citus_add_node('127.0.0.1', @{[ $worker->port ]})");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION relations;
SET citus.shard_count = 4;
CREATE TABLE plans (id int PRIMARY KEY, name text);
SELECT create_reference_table('plans');
CREATE TABLE tenants (id int PRIMARY KEY, name text, plan_id int REFERENCES plans);
SELECT create_distributed_table('tenants', 'id');
CREATE TABLE orders (tenant_id int REFERENCES tenants, id int, total int, PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('orders', 'tenant_id');
CREATE TABLE lines (tenant_id int, order_id int, n int, body text, PRIMARY KEY (tenant_id, order_id, n), FOREIGN KEY (tenant_id, order_id) REFERENCES orders ON DELETE CASCADE);
SELECT create_distributed_table('lines', 'tenant_id');
CREATE TABLE labels (tenant_id int, id int, name text, PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('labels', 'tenant_id');
CREATE TABLE label_order (tenant_id int, order_id int, label_id int, PRIMARY KEY (tenant_id, order_id, label_id),
	FOREIGN KEY (tenant_id, order_id) REFERENCES orders, FOREIGN KEY (tenant_id, label_id) REFERENCES labels);
SELECT create_distributed_table('label_order', 'tenant_id');
SELECT relations.belongs_to('tenants', 'plan', 'plans');
SELECT relations.has_many('plans', 'tenants', 'tenants');
SELECT relations.has_many('tenants', 'orders', 'orders');
SELECT relations.belongs_to('orders', 'tenant', 'tenants');
SELECT relations.has_many('orders', 'lines', 'lines');
SELECT relations.has_many('orders', 'recent', 'lines', scope => '{"order": ["-n"], "limit": 1}');
SELECT relations.belongs_to('lines', 'order', 'orders');
SELECT relations.many_to_many('orders', 'labels', 'labels', pivot_table => 'label_order', pivot_foreign_key => 'tenant_id, order_id', pivot_related_foreign_key => 'tenant_id, label_id');
INSERT INTO plans VALUES (1, 'free'), (2, 'paid');
INSERT INTO tenants SELECT i, 't' || i, 1 + i % 2 FROM generate_series(10, 60) i;
INSERT INTO orders SELECT 10 + i % 51, i, i * 7 % 100 FROM generate_series(1, 1000) i;
INSERT INTO lines SELECT tenant_id, id, n, 'line ' || n FROM orders, generate_series(1, 2) n;
INSERT INTO labels SELECT 10 + i % 51, i, 'label ' || i FROM generate_series(1, 100) i;
INSERT INTO label_order SELECT o.tenant_id, o.id, l.id FROM orders o JOIN labels l ON l.tenant_id = o.tenant_id WHERE (o.id + l.id) % 3 = 0;
SQL

sub answer { return $node->safe_psql('postgres', $_[0]) }

sub error_of
{
	my ($sql) = @_;
	my ($out, $err);
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err);
	return $err;
}

# the number of tasks of each distributed statement of a plan
sub tasks
{
	my ($model, $query) = @_;
	my $plan = answer("SELECT relations.explain('$model', '$query')");
	return join(' ', $plan =~ /^\s*Task Count: (\d+)/mg);
}

cmp_ok(answer('SELECT count(DISTINCT nodeport) FROM citus_shards'), '==', 2, 'shards are on two nodes');

# ---------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------
# copies, of which PostgreSQL alone makes the documents
my $copies = join ' ', map { "CREATE TEMP TABLE c_$_ AS TABLE $_;" } qw(plans tenants orders lines labels label_order);
is(answer(qq{$copies SELECT count(*), count(*) FILTER (WHERE d = to_jsonb(t) || jsonb_build_object('plan', (SELECT to_jsonb(p) FROM c_plans p WHERE p.id = t.plan_id),
	'orders', coalesce((SELECT jsonb_agg(to_jsonb(o) || jsonb_build_object(
		'lines', (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.n) FROM c_lines l WHERE (l.tenant_id, l.order_id) = (o.tenant_id, o.id)),
		'labels', coalesce((SELECT jsonb_agg(to_jsonb(l) ORDER BY l.tenant_id, l.id) FROM c_label_order x JOIN c_labels l ON (l.tenant_id, l.id) = (x.tenant_id, x.label_id)
			WHERE (x.tenant_id, x.order_id) = (o.tenant_id, o.id)), '[]')) ORDER BY o.tenant_id, o.id) FROM c_orders o WHERE o.tenant_id = t.id), '[]')))
	FROM relations.preload('tenants', 'plan', 'orders.lines', 'orders.labels') d JOIN c_tenants t ON t.id = (d ->> 'id')::int}), '51|51', 'all tenants with all that is theirs');
is(answer(q{SELECT jsonb_array_length(relations.find('plans', 1, 'tenants') -> 'tenants')}), 26, 'from a reference table to all shards');
is(answer(q{SELECT relations.find('lines', '(11,1,2)', 'order.tenant.plan') #>> '{order,tenant,plan,name}'}), 'paid', 'from a line to its plan');
is(answer(q{SELECT string_agg(d ->> 'id', ' ') FROM relations.query('tenants', '{"where": {"orders": {"some": {"id": {"lte": 2}}}}}') d}), '11 12', 'filters by related rows');
is(answer(q{SELECT relations.query('tenants', '{"select": ["id"], "where": {"id": 11}, "count": {"n": "orders"}, "aggregate": {"sum": {"relation": "orders", "sum": "total"}}}')}),
	sprintf('{"n": %s, "id": 11, "sum": %s}', split /\|/, answer('SELECT count(*), sum(total) FROM orders WHERE tenant_id = 11')), 'counts and sums');
is(answer(q{SELECT string_agg(format('%s:%s', d ->> 'id', d #>> '{orders,0,id}'), ' ') FROM relations.query('tenants', '{"where": {"id": {"in": [11, 12, 13]}}, "preload": {"orders": {"limit": 1, "order": ["-id"]}}}') d}),
	answer('SELECT string_agg(format(\'%s:%s\', tenant_id, id), \' \' ORDER BY tenant_id) FROM (SELECT tenant_id, max(id) AS id FROM orders WHERE tenant_id IN (11, 12, 13) GROUP BY 1) q'), 'a limit for each parent');
is(answer(q{SELECT string_agg(d #>> '{recent,0,n}', ' ') FROM relations.query('orders', '{"where": {"tenant_id": 11, "id": {"lt": 200}}, "preload": ["recent"]}') d}), '2 2 2 2', 'and of keys of two columns');
is(answer(q{SELECT relations.paginate('orders', '{"where": {"tenant_id": 11}, "order": ["-id"], "preload": ["lines"]}', 2, 5) -> 'meta' ->> 'total'}), answer('SELECT count(*) FROM orders WHERE tenant_id = 11'), 'pages');
is(answer(q{SELECT relations.query('orders', '{"where": {"tenant_id": 11}, "order": ["-id"], "limit": 1, "offset": 1}') ->> 'id'}),
	answer('SELECT id FROM orders WHERE tenant_id = 11 ORDER BY id DESC OFFSET 1 LIMIT 1'), 'order, limit and offset');
# kept plans: more often than the server tries before it makes one plan for all
is(answer(q{SELECT count(*) FROM generate_series(1, 12) i, relations.find('orders', format('(%s,%s)', 10 + i % 51, i), 'lines') d WHERE jsonb_array_length(d -> 'lines') = 2}), 12, 'a kept plan asks the shard of each key');

# ---------------------------------------------------------------------
# What is of one tenant asks one shard, what is of several asks theirs
# ---------------------------------------------------------------------
is(tasks('orders', '{"where": {"tenant_id": 11}, "preload": ["lines"]}'), '1 1', 'a tenant\'s orders and lines: one task a level');
is(tasks('orders', '{"where": {"tenant_id": 11}, "preload": ["labels"]}'), '1 1', 'labels through a pivot: one, too');
is(tasks('tenants', '{"where": {"id": 11}, "preload": ["orders.lines", "plan"]}'), '1 1 1 1', 'a tenant and what is his');
is(tasks('tenants', '{"preload": ["plan"]}'), '4 1', 'all tenants: a task a shard; a reference table: one');
like(tasks('orders', '{"preload": ["lines"]}'), qr/^4 [1-4]$/, 'all orders: a task a shard; the lines of the first of them: one for each shard that they are in');

# ---------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------
like(answer(q{SELECT relations.create('tenants', '{"id": 1, "name": "one", "plan": {"id": 3, "name": "new"}, "orders": [{"id": 1, "lines": [{"n": 1}, {"n": 2}], "labels": [{"tenant_id": 1, "id": 1, "name": "l"}]}, {"id": 2}]}')}),
	qr/"labels": \[\{"id": 1, "name": "l", "tenant_id": 1\}\]/, 'a document is written');
is(answer('SELECT (SELECT count(*) FROM orders WHERE tenant_id = 1), (SELECT count(*) FROM lines WHERE tenant_id = 1), (SELECT count(*) FROM label_order WHERE tenant_id = 1), (SELECT name FROM plans WHERE id = 3)'), '2|2|1|new', 'with every key wired');
is(answer(q{SELECT count(*) FROM relations.create_many('tenants', '[{"id": 2, "orders": [{"id": 1}, {"id": 2}]}, {"id": 3, "name": "three", "orders": [{"id": 1, "total": 9}]}, {"id": 4}]')}), 3, 'so are several, of several tenants');
like(error_of(q{SELECT relations.create_many('orders', '[{"tenant_id": 2, "id": 8}, {"tenant_id": 2, "id": 1}]')}), qr/23505: .*document "\[1\]"/s, 'an error says which');
is(answer('SELECT count(*) FROM orders WHERE tenant_id = 2'), 2, 'and nothing is written');
like(answer(q{SELECT relations.update('orders', '(1,1)', '{"total": 5, "lines": {"$create": {"n": 3}, "$delete": "(1,1,1)"}}')}), qr/"total": 5/, 'update');
is(answer(q{SELECT string_agg(n::text, ' ' ORDER BY n) FROM lines WHERE tenant_id = 1}), '2 3', 'with what is nested');
is(answer(q{SELECT relations.update_related('tenants', 11, 'orders', '{"total": {"gt": 50}}', '{"total": 50}')}), answer('SELECT count(*) FROM orders WHERE tenant_id = 11 AND total = 50'), 'update_related');
is(answer(q{SELECT relations.delete_related('orders', '(1,1)', 'lines')}), 2, 'delete_related');
is(answer(q{SELECT relations.upsert('orders', '{"tenant_id": 1, "id": 2, "total": 8}') ->> 'total'}), 8, 'upsert');
is(answer(q{SELECT relations.create_related('tenants', 1, 'orders', '{"id": 77, "lines": [{"n": 1}]}') ->> 'tenant_id'}), 1, 'create_related');
is(answer(q{SELECT relations.first_or_create_related('tenants', 1, 'orders', '{"id": 78}') ->> 'id'}), 78, 'first_or_create_related');
is(answer(q{SELECT relations.attach('orders', '(1,77)', 'labels', '["(1,1)"]')}), 1, 'attach');
is(answer(q{SELECT relations.detach('orders', '(1,77)', 'labels')}), 1, 'detach');
is(answer(q{SELECT relations.sync('orders', '(1,77)', 'labels', '["(1,1)"]') -> 'attached' IS NOT NULL}), 't', 'sync');
like(answer(q{SELECT relations.delete('lines', '(1,77,1)')}), qr/"n": 1/, 'delete');

# ---------------------------------------------------------------------
# What Citus does not do is an error that says so
# ---------------------------------------------------------------------
like(error_of(q{SELECT relations.factory_create('labels', 2, '{"merge": {"tenant_id": 11}}')}), qr/0A000: .*HINT: .*factory_make/s, 'factory_create: a hint');
is(answer(q{SELECT count(*) FROM relations.create_many('labels', (SELECT jsonb_agg(d) FROM relations.factory_make('labels', 2, '{"merge": {"tenant_id": 11}}') d))}), 2, 'which works');
like(error_of(q{ALTER TABLE tenants ADD orders_count int DEFAULT 0; SELECT relations.belongs_to('orders', 'counted', 'tenants', counter_cache => 'orders_count')}), qr/triggers are not supported on distributed tables/, 'counter_cache: Citus has no such triggers');
like(error_of(q{CREATE TABLE notes (tenant_id int, id int, about_type text, about_id int, PRIMARY KEY (tenant_id, id)); SELECT create_distributed_table('notes', 'tenant_id');
	SELECT relations.morph_to('notes', 'about', '{"order": "orders"}', id_column => 'tenant_id, about_id')}), qr/ERROR: .*cannot execute ADD CONSTRAINT command/, 'polymorphic references: their columns are no distribution columns');
is(answer('SELECT count(*) FROM pg_attribute WHERE attrelid = \'notes\'::regclass AND attnum > 0'), 4, 'and nothing of it is left');
like(error_of(q{SELECT relations.create_view('tenants_graph', 'tenants', 'orders')}), qr/0A000: .*HINT: .*relations\.query/s, 'graph views are not of distributed tables');
$node->stop;
$worker->stop;
done_testing();
