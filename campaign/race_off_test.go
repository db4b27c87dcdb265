//go:build !race

package campaign_test

// people is how large a large audience is.
func people(n int) int { return n }
