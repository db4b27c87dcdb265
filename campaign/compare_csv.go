package campaign

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// WriteCSV writes a comparison in UTF-8, a line for each measure: site (empty for the
// whole run), measure, of, and for each run a number, its share from 0 to 1, and after
// the first the first run's verdict against it. What nobody counted is empty. Two lines
// at the end have what a run took in seconds, and its messages accepted per second.
func (c Comparison) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"site", "measure", "of"}
	for i, r := range c.Runs {
		run := fmt.Sprintf("run %d", r.Run.ID)
		head = append(head, neutral(fmt.Sprintf("%s: %s", run, r.Run.Spec.Name)), run+" share")
		if i > 0 {
			head = append(head, fmt.Sprintf("run %d against %s", c.Runs[0].Run.ID, run))
		}
	}
	err := out.Write(head)
	write := func(site string, measures []Measure) {
		for _, m := range measures {
			if err == nil {
				err = out.Write(append([]string{neutral(site), m.Name, m.Of}, cells(m.Cells)...))
			}
		}
	}
	write("", c.Measures)
	for _, s := range c.Sites {
		write(s.Site, s.Measures)
	}
	lasts, speed := []string{"", "took", "seconds"}, []string{"", "accepted", "second"}
	for i, r := range c.Runs {
		lasts, speed = append(lasts, number(r.Lasts.Seconds()), ""), append(speed, number(r.Speed), "")
		if i > 0 {
			lasts, speed = append(lasts, ""), append(speed, "")
		}
	}
	for _, line := range [][]string{lasts, speed} {
		if err == nil {
			err = out.Write(line)
		}
	}
	if out.Flush(); err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write the comparison of run %d: %w", c.Runs[0].Run.ID, err)
	}
	return nil
}

func cells(list []Cell) []string {
	var text []string
	for i, c := range list {
		n, share := strconv.FormatInt(c.N, 10), ""
		if c.Unknown {
			n = ""
		}
		if part, ok := c.Share(); ok {
			share = number(part)
		}
		text = append(text, n, share)
		if i > 0 {
			text = append(text, string(c.Verdict))
		}
	}
	return text
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }
