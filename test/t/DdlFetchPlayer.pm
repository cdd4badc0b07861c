# Run the steps of test/t/ddl_fetch.pl and judge what comes back.
#
# A pair is a cursor over documents ("d...") beside the rows that hand-written
# SQL returns for the same snapshot: those of another cursor ("t...", how =>
# 'twin'), or those that were read before in a subtransaction that was rolled
# back, so that no lock of theirs protects the documents (how => 'list').
#
# Rules:
#	1. No crash, no failed assertion, no internal error (class XX), no leak that the server warns of.
#	2. Rows that both return are the same, byte for byte, and both end together.
#	3. Where hand-written SQL returns rows, the cursor over documents may raise only
#	   a. what the session itself explains: it changed the schema, its role or a privilege since the cursor was
#	      opened: one of @own_changes;
#	   b. 42501, when the role may not read all columns, or privileges changed;
#	   c. 40001, when another session changed a table since the snapshot was taken or the cursor was opened;
#	   d. 57014 when the session was cancelled, 40P01 and 55P03 when it met another;
#	   e. 42704, when the relation or its model was dropped in this round.
#	4. Where hand-written SQL raises an error, documents are not compared, but for privileges: where it raises
#	   42501, documents raise an error too.
#	5. Documents that each row reads for itself (load(), graph views) follow what the session changed meanwhile.
package DdlFetchPlayer;
use strict;
use warnings;
use DdlFetchSteps;
use PsqlSession;
use Time::HiRes qw(time sleep);

my @own_changes = qw(55006 55000 0A000 42P01 42703 42704 3F000 42501 42804 42883 24000 34000 40001 22023 2BP01 42P17 42P16);

# "connect" returns the options of psql for a database, "log" the server's log file.
sub new
{
	my ($class, %options) = @_;
	my $self = bless { %options, stats => {}, sessions => {}, steps => 0 }, $class;
	return $self;
}

sub count { my ($self, @path) = @_; my $key = pop @path; my $at = $self->{stats}; $at = $at->{$_} //= {} for @path; $at->{$key}++; return }

sub add { my ($self, $key, $n) = @_; $self->{stats}{$key} += $n; return }

# Begin with a database and these sessions.
sub begin
{
	my ($self, $database, @names) = @_;
	$self->{database} = $database;
	$self->{finding} = undef;
	$self->{transcript} = [];
	$self->{dropped} = 0;
	$self->{changes} = 0;
	$self->{monitor} = PsqlSession->new('monitor', $self->{connect}->('postgres'));
	$self->{sessions} = {};
	$self->open_session($_) for @names;
	return;
}

sub open_session
{
	my ($self, $name) = @_;
	my $psql = PsqlSession->new($name, $self->{connect}->($self->{database}));
	$psql->query($_) for "SET relations.batch_memory = '64kB'", "SET client_min_messages = warning", "SET fuzz.passed = '0'", "SET application_name = '$name'";
	$self->{sessions}{$name} = { name => $name, psql => $psql, in => 0, failed => 0, isolation => '', savepoints => [], pairs => {}, own => 0, role => 0, blocked => 0, prepared => [] };
	return;
}

sub end
{
	my ($self) = @_;
	$_->{psql}->close for values %{ $self->{sessions} };
	$self->{monitor}->close;
	return;
}

# Note what is wrong; the round ends with it.
sub finding
{
	my ($self, $signature, $text) = @_;
	$self->{finding} //= { signature => $signature, text => $text };
	$self->note("FINDING $signature: $text");
	return;
}

sub note { my ($self, $line) = @_; push @{ $self->{transcript} }, $line; return }

# ---------------------------------------------------------------------
# Waiting
# ---------------------------------------------------------------------

# Until each session has answered, or waits for a lock.
sub settle
{
	my ($self) = @_;
	for my $session (map { $self->{sessions}{$_} } sort keys %{ $self->{sessions} })
	{
		next unless $session->{handler};
		my $started = time;
		my $seen = 0;
		until ($session->{psql}->poll($seen ? 0.06 : 0.02))
		{
			my ($waits) = $self->ask_monitor("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $session->{psql}{backend}");
			$seen = ($waits // '') eq 't' ? $seen + 1 : 0;
			# what waits in a circle is an error by the second time
			if ($seen == 2 || $seen && $session->{blocked})
			{
				$session->{blocked}++;
				last;
			}
			if (time - $started > 300)
			{
				$self->finding('hang', "$session->{name} has not answered for 300 seconds");
				return;
			}
		}
		next if $session->{psql}{waiting} && !$session->{psql}{dead};
		my $handler = delete $session->{handler};
		my $results = $session->{psql}->results;
		my $waited = delete $session->{blocked};
		$session->{blocked} = 0;
		$self->judge_results($session, $results);
		$handler->($results, $waited) unless $session->{psql}{dead};
	}
	return;
}

sub ask_monitor
{
	my ($self, $sql) = @_;
	my @rows = eval { $self->{monitor}->query($sql) };
	$self->finding('crash', 'the monitor lost its connection: ' . $@) if $@;
	return @rows;
}

# Whether another session waits for a lock.
sub others_wait
{
	my ($self, $name) = @_;
	return scalar grep { $_->{name} ne $name && $_->{handler} } values %{ $self->{sessions} };
}

# Rule 1, and the state of the transaction.
sub judge_results
{
	my ($self, $session, $results) = @_;
	if ($session->{psql}{dead})
	{
		my $last = $results->{last}{messages} // '';
		$self->note("  $session->{name}: the session has ended: $last");
		if (!$session->{terminated})
		{
			sleep 1;
			$self->finding('crash', "$session->{name} has lost its connection: $last\n" . $self->{server_says}->());
		}
		return;
	}
	for my $label (sort keys %$results)
	{
		my $result = $results->{$label};
		my $messages = $result->{messages} // next;
		$self->note("  $session->{name} $label: " . (split /\n/, $messages)[0]);
		$self->count('errors', $result->{code}) if $result->{code};
		if ($messages =~ /ERROR:  XX/ && $messages !~ /tuple concurrently (updated|deleted)|tuple already updated by self/ || $messages =~ /WARNING:.*(leak|could not follow|not closed)/ || $messages =~ /PANIC|TRAP/)
		{
			my $signature = $messages =~ s/[0-9]+/N/gr;
			$signature = $signature =~ /(ERROR:  XX[^\n]*|WARNING:[^\n]*)/ ? $1 : 'PANIC';
			$signature .= " $1" if $messages =~ /LOCATION:  (\w+)/;
			$self->finding($signature, $messages);
		}
	}
	return;
}

# ---------------------------------------------------------------------
# Transactions
# ---------------------------------------------------------------------

# What a statement of a session has done to its transaction.
sub follow_transaction
{
	my ($self, $session, $sql, $result) = @_;
	my $failed = $result->{error};
	if ($sql =~ /^BEGIN(?: ISOLATION LEVEL (.*))?/)
	{
		return if $session->{in};
		@$session{qw(in failed isolation own role savepoints began)} = (1, 0, $1 // '', 0, 0, [], $self->{changes});
	}
	elsif ($sql =~ /^ROLLBACK TO (\w+)/)
	{
		return if $failed;
		my $name = $1;
		pop @{ $session->{savepoints} } while @{ $session->{savepoints} } && $session->{savepoints}[-1] ne $name;
		$session->{failed} = 0;
	}
	elsif ($sql =~ /^RELEASE (\w+)/)
	{
		my $name = $1;
		$session->{failed} = 1, return if $failed && $session->{in};
		pop @{ $session->{savepoints} } while @{ $session->{savepoints} } && $session->{savepoints}[-1] ne $name;
		pop @{ $session->{savepoints} };
	}
	elsif ($sql =~ /^SAVEPOINT (\w+)/)
	{
		push @{ $session->{savepoints} }, $1 unless $failed;
		$session->{failed} = 1 if $failed && $session->{in};
	}
	elsif ($sql =~ /^(COMMIT|ROLLBACK|PREPARE TRANSACTION)(?! PREPARED)/)
	{
		my $committed = $1 ne 'ROLLBACK' && !$failed && !$session->{failed};
		for my $pair (keys %{ $session->{pairs} })
		{
			delete $session->{pairs}{$pair} unless $session->{pairs}{$pair}{hold} && ($committed || !$session->{pairs}{$pair}{in});
			$session->{pairs}{$pair}{in} = 0 if $session->{pairs}{$pair};
		}
		@$session{qw(in failed isolation savepoints)} = (0, 0, '', []);
	}
	elsif ($failed && $session->{in})
	{
		$session->{failed} = 1;
	}
	return;
}

# A change that concerns who reads later: count it for the session's own pairs and for those of the others.
sub follow_change
{
	my ($self, $session, $kind) = @_;
	return if $DdlFetchSteps::harmless{$kind};
	$self->{changes}++;
	$self->{dropped} = 1 if $kind =~ /^(drop_|relations|truncate|detach|retype|nothing)/;
	$session->{own}++;
	for my $other (values %{ $self->{sessions} })
	{
		# a role is the session's own
		next if $other != $session && $kind =~ /^(role|discard)$/;
		for my $pair (values %{ $other->{pairs} })
		{
			push @{ $pair->{ $other == $session ? 'own' : 'others' } }, $kind;
		}
	}
	return;
}

# ---------------------------------------------------------------------
# Judging
# ---------------------------------------------------------------------

# Rule 3: undefined when an error of documents is explained, or what is wrong.
sub unexplained
{
	my ($self, $session, $what, $error, $waited) = @_;
	my $code = $error->{code} // 'none';
	my $message = ($error->{messages} // '') =~ s/\n.*//sr =~ s/"[^"]*"/"..."/gr;
	return if $code =~ /^(40P01|55P03)$/ || ($code eq '57014' && ($waited || $session->{cancelled}));
	return if $code eq '25P02';
	if (@{ $what->{own} // [] } && grep { $_ eq $code } @own_changes)
	{
		$self->count('explained', "own change, $message");
		return;
	}
	my @others = @{ $what->{others} // [] };
	return if $code eq '42501' && ($what->{partial} || grep { /^(grant|row_security|owner|set_schema|relations|swap_schemas|rename_schema)$/ } @others);
	if ($code eq '40001' && (@others || $session->{isolation} =~ /SERIAL/ || $waited || ($session->{isolation} =~ /REPEAT/ && $self->{changes} > ($session->{began} // 0))))
	{
		$self->count('explained', "others' change, $message");
		return;
	}
	if ($code eq '42704' && $self->{dropped} || $what->{rowwise} && (@others || @{ $what->{own} // [] }))
	{
		$self->count('explained', $message);
		return;
	}
	return $error->{messages};
}

# Rule 2, of rows that both have returned.
sub compare_rows
{
	my ($self, $pair, $documents, $twin, $where) = @_;
	$self->add('rows', scalar @$documents);
	my $n = @$documents > @$twin ? @$documents : @$twin;
	for my $i (0 .. $n - 1)
	{
		my ($d, $t) = ($documents->[$i], $twin->[$i]);
		next if defined $d && defined $t && $d eq $t;
		my $at = 0;
		if (defined $d && defined $t)
		{
			$at++ while substr($d, $at, 1) eq substr($t, $at, 1);
			$at = $at > 60 ? $at - 60 : 0;
		}
		$self->finding("wrong rows, $pair->{form}" . (@{ $pair->{own} // [] } ? ", own $pair->{own}[-1]" : '') . (@{ $pair->{others} // [] } ? ", others' $pair->{others}[-1]" : ''),
			"$where, row $i of $n: from byte $at\ndocument: " . (defined $d ? substr($d, $at, 300) : 'none') . "\nexpected: " . (defined $t ? substr($t, $at, 300) : 'none') .
			"\n$pair->{documents}\n$pair->{twin}\nown changes: @{ $pair->{own} // [] }; others': @{ $pair->{others} // [] }");
		return;
	}
	return;
}

# Whether rows can be compared at all: rule 5.
sub comparable
{
	my ($pair) = @_;
	return 0 if $pair->{rowwise} && (@{ $pair->{own} } || @{ $pair->{others} });
	return 1;
}

# ---------------------------------------------------------------------
# Steps
# ---------------------------------------------------------------------

# Give a session statements of a step; the handler gets their results, and whether the session has waited.
sub give
{
	my ($self, $session, $statements, $handler) = @_;
	$self->note("$session->{name}> $_->[1]" . (defined $_->[2] ? "  -- if $_->[2]" : '')) for @$statements;
	$session->{handler} = $handler;
	$session->{cancelled} = 0;
	$session->{psql}->send(@$statements);
	return;
}

sub step_sql
{
	my ($self, $session, $step) = @_;
	my @sql = @{ $step->{statements} };
	my $n = 0;
	$self->give($session, [ map { [ 's' . $n++, $_ ] } @sql ], sub {
			my ($results) = @_;
			my $done = 0;
			for my $i (0 .. $#sql)
			{
				my $result = $results->{"s$i"} // next;
				my $was_failed = $session->{failed};
				$self->follow_transaction($session, $sql[$i], $result);
				$done = 1 if !$result->{error};
				if ($sql[$i] =~ /^PREPARE TRANSACTION '(\w+)'/ && !$result->{error} && !$was_failed)
				{
					push @{ $_->{prepared} }, $1 for values %{ $self->{sessions} };
				}
				if ($sql[$i] =~ / PREPARED '(\w+)'/ && !$result->{error})
				{
					my $name = $1;
					$_->{prepared} = [ grep { $_ ne $name } @{ $_->{prepared} } ] for values %{ $self->{sessions} };
				}
				$session->{pairs} = {} if $sql[$i] =~ /^(CLOSE ALL|DISCARD ALL)$/ && !$result->{error};
				if ($sql[$i] =~ /^(COMMIT(?! PREPARED)|PREPARE TRANSACTION)/ && $result->{error} && !$was_failed)
				{
					my ($hold) = grep { $_->{hold} } values %{ $session->{was} // {} };
					my $wrong = $self->unexplained($session, { own => [ ('x') x $session->{own} ], others => [], %{ $hold // {} } }, $result, 0);
					$self->finding("commit fails $result->{code}", $wrong) if defined $wrong && $result->{code} !~ /^(0A000|23|40001)/;
				}
			}
			if ($step->{kind} !~ /^(begin|commit|rollback|rollback to|release|savepoint|close|close all|setting|nothing|prepare|finish prepared)$/)
			{
				$self->count('statements', $step->{kind}, $done ? 'done' : 'refused');
				$self->follow_change($session, $step->{kind}) if $done;
			}
			else
			{
				$self->count('other statements', $step->{kind});
				if ($step->{kind} =~ /^(commit|finish prepared)/)
				{
					$self->{changes}++;
					push @{ $_->{others} }, 'commit' for map { values %{ $_->{pairs} } } grep { $_ != $session } values %{ $self->{sessions} };
				}
			}
			return;
		});
	$session->{was} = { %{ $session->{pairs} } };
	return;
}

sub step_open
{
	my ($self, $session, $step) = @_;
	return if $session->{failed} || (!$session->{in} && !$step->{hold});
	my $name = $step->{pair};
	my $hold = $step->{hold} ? ' WITH HOLD' : '';
	my $savepoint = $step->{savepoint} && $session->{in};
	my $list = $step->{how} eq 'list';
	$list = 0 if $self->others_wait($session->{name}) || !$session->{in};
	my $pair = { %$step, own => [], others => [], rowwise => $step->{form} =~ /^(load|view)$/ ? 1 : 0, in => $session->{in}, hold => $step->{hold}, list => $list };
	delete $pair->{$_} for qw(op);
	my $fetch = $step->{count} ? "FETCH $step->{count} FROM" : 'FETCH 0 FROM';
	if ($step->{lazy} && $session->{isolation} =~ /REP|SER/)
	{
		$self->give($session, [ [ declare => "DECLARE d$name CURSOR$hold FOR $step->{documents}" ] ], sub {
				my ($results) = @_;
				$self->follow_transaction($session, 'DECLARE', $results->{declare});
				$session->{pairs}{$name} = { %$pair, unread => 1, list => 1 } unless $results->{declare}{error};
			});
		return;
	}
	my @statements;
	push @statements, [ savepoint => 'SAVEPOINT f' ] if $savepoint || $list;
	push @statements, [ rows => $step->{twin} ], [ back => 'ROLLBACK TO f' ] if $list;
	push @statements, [ twin => "DECLARE t$name CURSOR$hold FOR $step->{twin}" ], [ twin_rows => "$fetch t$name" ] unless $list;
	push @statements, [ twin_back => 'ROLLBACK TO f', ':ERROR' ] if !$list && $savepoint;
	push @statements, [ declare => "DECLARE d$name CURSOR$hold FOR $step->{documents}" ], [ document_rows => "$fetch d$name" ];
	push @statements, [ document_back => 'ROLLBACK TO f', ':ERROR' ], $step->{release} ? [ release => 'RELEASE f' ] : () if $savepoint || $list;
	$self->give($session, \@statements, sub {
			my ($results, $waited) = @_;
			my $twin = $list ? $results->{rows} : $results->{twin}{error} ? $results->{twin} : $results->{twin_rows};
			my $documents = $results->{declare}{error} ? $results->{declare} : $results->{document_rows};
			for my $statement (@statements)
			{
				$self->follow_transaction($session, $statement->[1], $results->{ $statement->[0] }) if $results->{ $statement->[0] };
			}
			pop @{ $session->{savepoints} } if @{ $session->{savepoints} } && $session->{savepoints}[-1] eq 'f';
			$self->judge_both($session, $pair, $twin, $documents, $waited, 'at the beginning', $step->{count});
			return if $waited || $twin->{error} || $documents->{error} || $self->{finding};
			$pair->{expected} = [ @{ $twin->{rows} }[ scalar @{ $documents->{rows} } .. $#{ $twin->{rows} } ] ] if $list;
			$session->{pairs}{$name} = $pair;
			$self->judge_locks($session, $pair) if $session->{in} && $step->{count};
			return;
		});
	return;
}

# A cursor holds the tables that it reads as a plain SELECT would.
sub judge_locks
{
	my ($self, $session, $pair) = @_;
	my ($missing) = $self->ask_monitor("SELECT string_agg(slot, ' ') FROM unnest('{" . join(',', map { "$_:$self->{oids}{$_}" } @{ $pair->{slots} }) . "}'::text[]) u, LATERAL (SELECT split_part(u, ':', 1), split_part(u, ':', 2)::oid) s(slot, oid) " .
			"WHERE NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = $session->{psql}{backend} AND l.locktype = 'relation' AND l.relation = s.oid)");
	$self->finding('table not locked', "$missing\n$pair->{documents}") if defined $missing && $missing ne '';
	return;
}

# Results of both at the same place.
sub judge_both
{
	my ($self, $session, $pair, $twin, $documents, $waited, $where, $count) = @_;
	if ($documents->{error} && !$twin->{error})
	{
		my $wrong = $self->unexplained($session, $pair, $documents, $waited);
		$self->finding("documents fail $documents->{code}, $pair->{form}" . (@{ $pair->{own} } ? ", own $pair->{own}[-1]" : '') . (@{ $pair->{others} } ? ", others' $pair->{others}[-1]" : ''),
			"$where: $wrong\n$pair->{documents}\n$pair->{twin}\nown changes: @{ $pair->{own} }; others': @{ $pair->{others} }") if defined $wrong;
		$self->count('outcomes', "documents fail $documents->{code}");
	}
	elsif ($twin->{error})
	{
		$self->count('outcomes', $documents->{error} ? 'both fail' : "only the hand-written fails $twin->{code}");
		$self->finding('documents where hand-written SQL lacks a privilege', "$where: $twin->{messages}\n$pair->{documents}\n$pair->{twin}")
			if !$documents->{error} && $twin->{code} eq '42501' && @{ $documents->{rows} } && !$waited && comparable($pair) && !@{ $pair->{own} };
	}
	elsif ($waited || !comparable($pair))
	{
		$self->count('outcomes', 'not compared');
	}
	else
	{
		my @expected = @{ $twin->{rows} };
		@expected = @expected[ 0 .. ($count > @expected ? $#expected : $count - 1) ] if $count ne 'ALL' && $pair->{list};
		$self->compare_rows($pair, $documents->{rows}, \@expected, $where);
		$self->count('outcomes', 'same') unless $self->{finding};
	}
	return;
}

sub step_fetch
{
	my ($self, $session, $step) = @_;
	my $name = $step->{pair};
	my $pair = $session->{pairs}{$name} // return;
	return if $session->{failed};
	my $count = $step->{count};
	if ($pair->{unread})
	{
		# what is expected is read at the first time, by names of that time
		return if $self->others_wait($session->{name});
		my $changed = @{ $pair->{own} } || @{ $pair->{others} } || $pair->{written};
		my @twin = $changed ? () : ([ savepoint => 'SAVEPOINT f' ], [ rows => $pair->{twin} ], [ back => 'ROLLBACK TO f' ]);
		$self->give($session, [ @twin, [ document_rows => "FETCH $count FROM d$name" ] ], sub {
				my ($results, $waited) = @_;
				$self->follow_transaction($session, $_->[1], $results->{ $_->[0] }) for @twin;
				pop @{ $session->{savepoints} } if @{ $session->{savepoints} } && $session->{savepoints}[-1] eq 'f';
				my $documents = $results->{document_rows};
				$self->follow_transaction($session, 'FETCH', $documents);
				delete $pair->{unread};
				if ($changed || $results->{rows}{error})
				{
					delete $session->{pairs}{$name};
					return;
				}
				$self->judge_both($session, $pair, $results->{rows}, $documents, $waited, 'at the first FETCH', $count);
				if ($documents->{error} || $waited) { delete $session->{pairs}{$name} }
				else { $pair->{expected} = [ @{ $results->{rows}{rows} }[ scalar @{ $documents->{rows} } .. $#{ $results->{rows}{rows} } ] ] }
				return;
			});
		return;
	}
	my @statements = ($pair->{list} ? () : ([ twin_rows => "FETCH $count FROM t$name" ]), [ document_rows => "FETCH $count FROM d$name" ]);
	# servers with assertions may forget all that they have cached again and again
	@statements = ([ discard_on => 'SET debug_discard_caches = 1' ], @statements, [ discard_off => 'RESET debug_discard_caches' ]) if $step->{discard} && $self->{assertions};
	$self->give($session, \@statements, sub {
			my ($results, $waited) = @_;
			my $documents = $results->{document_rows};
			my $twin = $pair->{list} ? { rows => $pair->{expected} } : $results->{twin_rows};
			$self->follow_transaction($session, 'FETCH', $_) for $twin, $documents;
			# both ended with a savepoint
			if (($documents->{code} // '') eq '34000' && ($pair->{list} || ($twin->{code} // '') eq '34000') || ($documents->{code} // '') eq '25P02' && ($twin->{code} // '') eq '34000')
			{
				delete $session->{pairs}{$name};
				return;
			}
			$self->add('fetches', 1);
			$self->judge_both($session, $pair, $twin, $documents, $waited, "FETCH $count", $count);
			delete $session->{pairs}{$name} if $documents->{error} || $twin->{error};
			splice(@{ $pair->{expected} }, 0, scalar @{ $documents->{rows} }) if $pair->{list} && !$documents->{error};
			return;
		});
	if ($step->{cancel})
	{
		$self->ask_monitor("SELECT pg_cancel_backend($session->{psql}{backend})");
		$session->{cancelled} = 1;
	}
	return;
}

sub step_compare
{
	my ($self, $session, $step) = @_;
	return if $session->{failed};
	my $savepoint = $session->{in};
	my @statements = ($savepoint ? [ savepoint => 'SAVEPOINT f' ] : (), [ rows => $step->{twin} ], $savepoint ? [ back => 'ROLLBACK TO f' ] : (), [ document_rows => $step->{documents} ],
		$savepoint ? [ document_back => 'ROLLBACK TO f', ':ERROR' ] : ());
	$self->give($session, \@statements, sub {
			my ($results, $waited) = @_;
			for my $statement (@statements)
			{
				$self->follow_transaction($session, $statement->[1], $results->{ $statement->[0] }) if $results->{ $statement->[0] };
			}
			pop @{ $session->{savepoints} } if @{ $session->{savepoints} } && $session->{savepoints}[-1] eq 'f';
			$self->add('comparisons', 1);
			$self->judge_both($session, { %$step, own => [], others => [], rowwise => 0 }, $results->{rows}, $results->{document_rows}, $waited, 'all rows', 'ALL');
			return;
		});
	return;
}

sub step_loop
{
	my ($self, $session, $step) = @_;
	return if $session->{failed};
	my @statements = [ loop => $step->{sql} ];
	# the statement that runs a command midway is compared by itself
	@statements = ($session->{in} ? [ savepoint => 'SAVEPOINT f' ] : (), [ rows => $step->{twin} ], $session->{in} ? [ back => 'ROLLBACK TO f' ] : (), [ reset => "SELECT set_config('fuzz.passed', '0', false), set_config('fuzz.failed', '', false)" ], [ loop => $step->{sql} ],
		$session->{in} ? [ document_back => 'ROLLBACK TO f', ':ERROR' ] : ()) if $step->{how} eq 'at';
	$self->give($session, \@statements, sub {
			my ($results, $waited) = @_;
			for my $statement (@statements)
			{
				$self->follow_transaction($session, $statement->[1], $results->{ $statement->[0] }) if $results->{ $statement->[0] };
			}
			pop @{ $session->{savepoints} } if @{ $session->{savepoints} } && $session->{savepoints}[-1] eq 'f';
			my $loop = $results->{loop};
			$self->add('loops', 1);
			$self->follow_change($session, $step->{kind}) unless $step->{kind} eq 'nothing';
			my $what = { %$step, own => $step->{kind} eq 'nothing' ? [] : [ $step->{kind} ], others => [], rowwise => $step->{form} =~ /^(load|view)$/ ? 1 : 0 };
			if ($step->{how} eq 'at')
			{
				$self->judge_both($session, $what, $results->{rows}, $loop, $waited, 'a statement that runs a command midway', 'ALL');
				return;
			}
			# what goes wrong in the hand-written part fails the whole
			return if $loop->{error};
			my ($state, $failed, $result) = split /\|/, join("\n", @{ $loop->{rows} }), 3;
			if ($failed)
			{
				my ($code) = $failed =~ /^(\w{5})/;
				$self->count('errors', $code);
				my $error = { code => $code, messages => $failed };
				my $wrong = $self->unexplained($session, $what, $error, $waited);
				$self->finding("loop fails $code, $step->{form}, own $step->{kind}", "$wrong\n$step->{sql}") if defined $wrong || $code =~ /^XX/;
			}
			elsif ($result ne 'same' && !$waited && comparable($what))
			{
				$self->finding("wrong rows in a loop, $step->{form}, own $step->{kind}", substr($result, 0, 2000) . "\n$step->{sql}");
			}
			return;
		});
	return;
}

# Run one step.
sub play
{
	my ($self, $step) = @_;
	my $session = $self->{sessions}{ $step->{session} } // return;
	$self->{steps}++;
	my $op = $step->{op};
	if ($op eq 'cancel' || $op eq 'terminate')
	{
		$session->{cancelled} = 1;
		$session->{terminated} = 1 if $op eq 'terminate';
		$self->note("-- $op $session->{name}");
		$self->count('other statements', $op);
		$self->ask_monitor("SELECT pg_${op}_backend($session->{psql}{backend})");
		if ($op eq 'terminate')
		{
			sleep 0.05;
			$session->{psql}->close;
			$self->open_session($session->{name});
			$self->{sessions}{ $session->{name} }{prepared} = $session->{prepared};
		}
		$self->settle;
		return;
	}
	return if $session->{handler};
	if ($op eq 'close')
	{
		my $pair = delete $session->{pairs}{ $step->{pair} } // return;
		$step = { %$step, op => 'sql', kind => 'close', statements => [ "CLOSE d$step->{pair}", $pair->{list} ? () : "CLOSE t$step->{pair}" ] };
		$op = 'sql';
	}
	if ($op eq 'sql')
	{
		$_->{written} = 1 for $step->{kind} eq 'write' ? values %{ $session->{pairs} } : ();
	}
	my $method = "step_$op";
	$self->$method($session, $step);
	$self->settle;
	return;
}

1;
