package shaping

import (
	"strings"
	"testing"
)

// What a refused message costs at the provider with the most reactions, when none
// matches.
func BenchmarkReact(b *testing.B) {
	table := Builtin()
	text := strings.Repeat("The recipient's mailbox is full. ", 15)
	for b.Loop() {
		if _, ok := table.React("google", 452, "4.2.2", text); ok {
			b.Fatal("a reaction to a full mailbox")
		}
	}
}

func BenchmarkProviderOf(b *testing.B) {
	table := Builtin()
	for b.Loop() {
		table.ProviderOf("mx1.mail.small-shop.example")
	}
}

// What a change of the operator's file costs.
func BenchmarkParse(b *testing.B) {
	Builtin()
	for b.Loop() {
		if _, err := Parse([]byte(mine)); err != nil {
			b.Fatal(err)
		}
	}
}
