//go:build race

package delivery_test

// raced: the race detector makes everything many times slower and larger, so stories
// prove what happens, and not how fast.
const raced = true
