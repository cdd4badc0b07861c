# The same as test/t/ddl_race.pl, for minutes.
use strict;
use warnings;

$ENV{RELATIONS_RACE_SECONDS} ||= 150;
do './test/t/ddl_race.pl' or die $@ || $!;
