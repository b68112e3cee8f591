package anomaly

// A spell is a stretch of anomalous buckets on one side. What is normal stays what
// it was before, but for a little that is learned of them, while fresh levels learn
// the buckets as they are. When it has lasted for so long that it is to be the new
// normal, the fresh levels take the place of the old; when normal buckets are back
// before that, they are dropped.
type spell struct {
	Run   int64   // how anomalous the last buckets were together, negative below
	Begun int64   // index of the bucket in which it began
	Side  int64   // 1: above, −1: below
	Calm  int64   // usual buckets in a row since
	Fresh *levels // nil: there is none
}

const (
	// firmRun is how anomalous buckets are together that begin a spell: three that are
	// very much so, or six; a normal one between them makes up for one. calmRun is how
	// many normal ones in a row end it.
	firmRun, calmRun = 6, 3
	// leastHold is how many buckets the shortest spell lasts that ends as a new
	// normal.
	leastHold = 12
	// lowHold (ms) is how long what is lower than normal stays anomalous at least, and
	// outageHold how long nothing at all does where there should be something.
	lowHold, outageHold = day, 7 * day
	// fewHeard is the share of buckets that may hold something in an outage.
	fewHeard = 0.05
)

// taken is a bucket that is learned.
type taken struct {
	i             int64
	odd           int64 // how anomalous it is, from −2 to 2
	value, x      float64
	factor, doubt float64
}

// whole is the bucket learned as it is.
func (b taken) whole() taken {
	b.x = b.value
	return b
}

// take teaches the levels a bucket.
func (m *Model) take(b taken) {
	s, odd := &m.spell, b.odd != 0
	if odd {
		m.count(b)
	} else if s.Run -= sign(s.Run); s.Fresh != nil && !m.belongs(b) {
		if s.Calm++; s.Calm >= calmRun {
			*s = spell{}
		}
	} else if s.Fresh != nil {
		s.Calm, b.odd = 0, s.Side
	}
	if s.Fresh == nil || b.odd == 0 {
		m.levels.learn(b, m.family)
	} else {
		m.levels.nudge(b, m.family)
	}
	if s.Fresh == nil {
		return
	}
	s.Fresh.learn(b.whole(), m.family)
	if odd && (b.i-s.Begun)*m.bucket >= m.holdFor(s.Side, s.Begun) {
		if (s.Begun-m.first)*m.bucket > 7*day/2 { // else it is most of its week
			m.drift.renew(&m.season)
		}
		m.levels, m.spell = *s.Fresh, spell{}
	}
}

// lasts reports whether a spell is older than a day: a season is not looked for then,
// so that it is not lost by an outage.
func (m *Model) lasts(i int64) bool { return m.spell.Fresh != nil && (i-m.spell.Begun)*m.bucket > day }

// belongs reports whether a normal bucket is nearer to what has been since the spell
// began than to what is normal.
func (m *Model) belongs(b taken) bool {
	off := func(l *levels) float64 {
		d, _ := l.foresee(b.factor, b.doubt, m.family)
		mean, filled := d.mean*(1-d.empty), 1-d.empty
		variance := filled*(d.variance+d.mean*d.mean) - mean*mean
		return (b.value - mean) * (b.value - mean) / max(variance, 1e-300)
	}
	return off(m.spell.Fresh) < off(&m.levels)
}

// count notes an anomalous bucket, and begins a spell with enough of them.
func (m *Model) count(b taken) {
	s := &m.spell
	s.Calm = 0
	if s.Run*b.odd < 0 || s.Fresh != nil && s.Side*b.odd < 0 {
		*s = spell{} // now it is the other side
	}
	s.Run += b.odd
	if s.Fresh == nil && max(s.Run, -s.Run) >= firmRun {
		s.Begun, s.Side, s.Fresh = b.i, sign(s.Run), &levels{}
	}
}

func sign(n int64) int64 { return min(max(n, -1), 1) }

// holdFor is how long (ms) a spell lasts, that began in a bucket, before it is
// the new normal.
func (m *Model) holdFor(side, begun int64) int64 {
	hold := m.hold
	if side < 0 {
		hold = max(hold, lowHold)
		if f := m.spell.Fresh; f != nil && f.filled.N < fewHeard*f.all.N && m.family != signed {
			hold = max(hold, outageHold)
		}
	}
	return max(min(hold, (begun-m.first)*m.bucket), leastHold*m.bucket)
}

// Held tells since when (ms) buckets are anomalous in a row, so that what is normal
// holds, and when that ends if they stay so; 0 and 0: they are not.
func (m *Model) Held() (since, until int64) {
	s := &m.spell
	if s.Fresh == nil {
		return 0, 0
	}
	return s.Begun * m.bucket, s.Begun*m.bucket + m.holdFor(s.Side, s.Begun)
}
