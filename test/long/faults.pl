# test/t/faults.pl with the server killed in every phase
use strict;
use warnings;

$ENV{RELATIONS_TEST_EVERY} = 1;
defined(do './test/t/faults.pl') or die $@ || $!;
