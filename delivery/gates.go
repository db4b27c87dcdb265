package delivery

import (
	"context"

	"broadside/ratelimit"
)

// gates are the limits that a path is under: its site's and, where there are several
// sources, its own.
type gates []ratelimit.Gate

func (g gates) wait(ctx context.Context) error {
	for i := len(g) - 1; i >= 0; i-- { // the site's slot last: it is not to be kept waiting
		if err := g[i].Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g gates) release() {
	for _, gate := range g {
		gate.Release()
	}
}

// rest and resume tell that a connection has nothing to carry, and has again.
func (g gates) rest() {
	for _, gate := range g {
		gate.Rest()
	}
}

func (g gates) resume() {
	for _, gate := range g {
		gate.Resume()
	}
}

func (g gates) over() bool {
	for _, gate := range g {
		if gate.Over() {
			return true
		}
	}
	return false
}
