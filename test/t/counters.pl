# Counters and touch with eight clients: no deadlock, and no counter that
# differs from the number of its rows.  test/long has more of it.
use strict;
use warnings;
use Test::More;
use Counters;

counters_under_load(30);
done_testing();
