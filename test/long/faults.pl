# test/t/faults.pl with the server killed in every phase
use strict;
use warnings;
# before the test itself: these have work to do at the start
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

$ENV{RELATIONS_TEST_EVERY} = 1;
defined(do './test/t/faults.pl') or die $@ || $!;
