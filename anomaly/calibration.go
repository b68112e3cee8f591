package anomaly

import "math"

// calibration brings surprises to the scale of the score. The least of several
// probabilities is no probability, and how far it is from one depends on the series;
// and of an anomaly that lasts only the begin is told. Both are made good by
// counting how often what was said was said, with a prior that was measured on
// series of many families.
type calibration struct {
	surprises ranks
	said      ranks // of all points
	told      ranks // of those that are told, 0 for the others
}

const (
	// bodyShare is the share of surprises beyond which a surprise is taken at its
	// word, usualSurprise what that share reaches before anything is known, and
	// bodyPrior how many points that is worth.
	bodyShare, usualSurprise, bodyPrior = 0.05, 2.0, 100.0
	// priorEvents is how many points of a level, or above it, the priors of the second
	// calibration are worth.
	priorEvents = 40.0
	// mostTold bounds the improbability that is told, and farTold is where it begins
	// to be compressed: no past is long enough for more.
	farTold, mostTold = 6.0, 15.0
)

// prior is the improbability that what is said has where nothing happens, between
// its knots.
type prior [4]struct{ said, level float64 }

var (
	saidPrior = prior{{0, 0}, {1.3, 1.3}, {muted, 2.3}, {12, 14}}
	toldPrior = prior{{0, 0}, {1.3, 1.4}, {muted, 2.45}, {12, 14}}
)

func (p *prior) at(said float64) float64 {
	for i := 1; i < len(p); i++ {
		a, b := p[i-1], p[i]
		if said <= b.said || i == len(p)-1 {
			return a.level + (said-a.said)/(b.said-a.said)*(b.level-a.level)
		}
	}
	return said
}

// first is the improbability of a surprise, in decimal logarithms.
func (c *calibration) first(surprise float64) float64 {
	n := c.surprises.n
	edge := (n*c.surprises.quantile(bodyShare) + bodyPrior*usualSurprise) / (n + bodyPrior)
	if surprise >= edge {
		return surprise - edge - math.Log10(bodyShare)
	}
	p := (c.surprises.reaching(surprise) + 0.5) / (n + 0.5)
	return -math.Log10(min(max(p, bodyShare), 1))
}

// How much of an improbability is told.
const (
	inFull  = true
	limited = false // as much as the episode allows
)

// second is the score of an improbability that is said, in full (told) or as much as
// the episode lets be said.
func (c *calibration) second(said float64, told bool) float64 {
	prior, counted := &saidPrior, &c.said
	if told && said > muted-mutedWidth {
		prior, counted = &toldPrior, &c.told
	}
	weight := priorEvents * math.Pow(10, prior.at(said))
	p := (priorEvents + counted.reaching(said)) / (weight + counted.n)
	level := -math.Log10(min(p, 1))
	switch {
	case !told:
		level = min(level, -math.Log10(1-announced))
	case level > farTold:
		level = farTold + (level-farTold)/(1+(level-farTold)/(mostTold-farTold))
	}
	return 1 - math.Pow(10, -level)
}

func (c *calibration) learn(surprise, said float64, told bool) {
	c.surprises.add(surprise)
	c.said.add(said)
	if told {
		c.told.add(said)
	} else {
		c.told.add(0)
	}
}
