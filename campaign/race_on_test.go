//go:build race

package campaign_test

// people is how large a large audience is: SQLite, which is Go here, is twenty times
// slower under the race detector.
func people(n int) int { return n / 10 }
