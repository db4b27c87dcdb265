package store

import (
	"context"

	"broadside/campaign"
)

// largeRun is how many must have accepted for a run to tell our own speed.
const largeRun = 10_000

// FastestRun is how many messages a second were accepted in the fastest of the last
// hundred runs that are large enough to tell; 0 when none is.
func (db *DB) FastestRun(ctx context.Context) (float64, error) {
	var perSecond float64
	err := db.get(ctx, "the fastest run", &perSecond, `
		SELECT CAST(COALESCE(MAX(n * 1000.0 / took), 0) AS double precision) FROM (
			SELECT r.finished - r.started AS took, (SELECT SUM(c.n) FROM run_counts c WHERE c.run = r.id AND c.state = 1) AS n
			FROM runs r WHERE r.state = 'finished' AND r.finished > r.started ORDER BY r.id DESC LIMIT 100
		) AS runs WHERE n >= ?`, largeRun)
	return perSecond, err
}

// SetForecast keeps what was foretold of a run.
func (db *DB) SetForecast(ctx context.Context, id campaign.RunID, f campaign.Forecast) error {
	_, err := db.moveRun(ctx, id, "keep the forecast of", "UPDATE runs SET forecast = ?, forecast_bound = ? WHERE id = ?", f.Lasts.Milliseconds(), f.Bound, id)
	return err
}
