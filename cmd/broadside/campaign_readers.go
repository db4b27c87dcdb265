package main

import (
	"strconv"

	"broadside/campaign"
)

// linkColumn is how much of a link's address fits beside its numbers.
const linkColumn = 60

// showReaders prints what readers did, if anybody counted.
func (a *app) showReaders(r campaign.Readers) {
	if !r.Any() {
		return
	}
	a.printf("\nRead, as far as the lists allow counting:\n\n")
	t := newTable("", ">people", ">times", ">machines, apart", "")
	t.row("opened", group(r.Opens.People), group(r.Opens.Person), group(r.Opens.Machine), "")
	t.row("clicked", group(r.Clicks.People), group(r.Clicks.Person), group(r.Clicks.Machine), "")
	for _, l := range r.Links {
		t.row("  link "+strconv.Itoa(l.Number), group(l.People), group(l.Person), group(l.Machine), shorten(l.Target, linkColumn))
	}
	t.print(a.out)
	if len(r.Apart) == 0 {
		return
	}
	a.printf("\nMachines were known by this:\n\n")
	t = newTable(">opened", ">clicked", "evidence")
	for _, m := range r.Apart {
		t.row(group(m.Opens), group(m.Clicks), m.Evidence)
	}
	t.print(a.out)
}
