//go:build !race

package campaign_test

const scale = 1
