package scheduler

import "context"

// restfulMatches is how many matches in memory are not worth letting go of: about
// 4 MB.
const restfulMatches = 20_000

// Rest lets go of memory that the near past takes, for when little is going on: what
// evaluation needs of it is read from the store. It changes no signal. It waits for
// the step that is being done.
func (s *Scheduler) Rest(ctx context.Context) error {
	return s.requests.between(ctx, func() error {
		if s.evaluator.cache.matches < restfulMatches {
			return nil
		}
		return s.evaluator.rest(ctx)
	})
}

func (ev *evaluator) rest(ctx context.Context) error {
	if err := ev.unstored.flush(ctx); err != nil {
		return err
	}
	ev.unstored.matches = nil
	ev.cache.rest()
	ev.metrics.cached.Set(float64(ev.cache.matches))
	return nil
}
