# Counters and touch with eight clients and many transactions: no deadlock, and
# no counter that differs from the number of its rows.
use strict;
use warnings;
use Test::More;
use Counters;

counters_under_load(400);
done_testing();
