//go:build race

package campaign_test

// scale makes audiences smaller: SQLite, which is Go here, is twenty times slower under
// the race detector.
const scale = 10
