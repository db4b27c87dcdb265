package reply

import (
	"strings"
	"testing"
)

// What a refused message costs when its words give nothing away.
func BenchmarkRead(b *testing.B) {
	text := strings.Repeat("The hamster that runs this wheel is asleep. ", 11)
	for b.Loop() {
		Read("google", 450, "4.9.9", text)
	}
}
