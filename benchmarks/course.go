package benchmarks

import "time"

// Course is messages per second over time, in steps of equal length.
type Course struct {
	Step float64   `json:"step_seconds"`
	Rate []float64 `json:"rate"`
}

// courseSteps is about how many steps a course has.
const courseSteps = 100

// newCourse counts arrivals between the first and the last. Their clock has whole
// milliseconds, and so have the steps.
func newCourse(arrivals []time.Time, first, last time.Time) Course {
	step := max((last.Sub(first) / courseSteps).Round(10*time.Millisecond), 50*time.Millisecond)
	n := int(last.Sub(first)/step) + 1
	c := Course{Step: step.Seconds(), Rate: make([]float64, n)}
	for _, at := range arrivals {
		c.Rate[int(at.Sub(first)/step)] += 1 / step.Seconds()
	}
	if n > 1 {
		c.Rate = c.Rate[:n-1] // the last step is cut off somewhere
	}
	return c
}

// until is after how many seconds the rate, over a second, is first so high; all of the
// course when it never is.
func (c *Course) until(rate float64) float64 {
	steps := max(int(1/c.Step), 1)
	for i := range c.Rate {
		sum := 0.0
		for _, v := range c.Rate[i:min(i+steps, len(c.Rate))] {
			sum += v
		}
		if sum/float64(steps) >= rate {
			return float64(i) * c.Step
		}
	}
	return float64(len(c.Rate)) * c.Step
}
