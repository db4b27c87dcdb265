package ratelimit

import (
	"cmp"
	"slices"
	"time"
)

// turn is how long a process keeps a connection that others wait for. Each time one
// changes hands it carries nothing for as long as it takes to close it and open another,
// some round trips.
const turn = 12 * time.Second

// turnsEnd is how long it is until the next turn has begun.
func turnsEnd(now int64) time.Duration {
	return turn - time.Duration(now)%turn + time.Millisecond
}

// shareConnections shares a limit among processes that want so many connections each:
// nobody gets more than it wants, and equal shares of what is scarce. Where there are
// fewer connections than processes, they take turns by the clock.
func shareConnections(limit int, wants []int, now int64) []int {
	shares := make([]int, len(wants))
	wanting := 0
	for _, w := range wants {
		if w > 0 {
			wanting++
		}
	}
	if limit > 0 && limit < wanting {
		return takeTurns(limit, wants, wanting, now)
	}
	for left := limit; left > 0; {
		given := 0
		for i, w := range wants {
			if shares[i] < w && given < left {
				shares[i]++
				given++
			}
		}
		if given == 0 {
			break
		}
		left -= given
	}
	return shares
}

func takeTurns(limit int, wants []int, wanting int, now int64) []int {
	shares := make([]int, len(wants))
	first := int(now / int64(turn) % int64(wanting) * int64(limit) % int64(wanting))
	place := 0
	for i, w := range wants {
		if w <= 0 {
			continue
		}
		if (place-first+wanting)%wanting < limit {
			shares[i] = 1
		}
		place++
	}
	return shares
}

// sharePaces shares a rate among processes that want so much of it each: nobody gets
// more than it wants, and equal shares of what is scarce.
func sharePaces(rate float64, wants []float64) []float64 {
	shares := make([]float64, len(wants))
	order := make([]int, len(wants))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(wants[a], wants[b]) })
	for n, i := range order { // who wants least leaves the others more
		shares[i] = min(wants[i], rate/float64(len(order)-n))
		rate -= shares[i]
	}
	return shares
}
