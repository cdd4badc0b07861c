# The same as test/t/ddl_race.pl, for minutes.
use strict;
use warnings;
# before the test itself: these have work to do at the start
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

$ENV{RELATIONS_RACE_SECONDS} ||= 150;
do './test/t/ddl_race.pl' or die $@ || $!;
