package secl

// compareTexts compiles Equal and In of texts.
func (k *compiler) compareTexts(e *Comparison) func(*Context) bool {
	l, r := Bare(e.L), Bare(e.R)
	if e.Op == Equal && !hasField(l) && !hasField(r) {
		return k.compareRaw(e)
	}
	if set, ok := r.(*Set); ok {
		return k.textIn(l, set)
	}
	if lit, ok := r.(*Literal); ok {
		return k.textWith(l, k.matcher(l, lit.Value))
	}
	if lit, ok := l.(*Literal); ok {
		return k.textWith(r, k.matcher(r, lit.Value))
	}
	equal := func(a, b string) bool { return a == b }
	if folds(l) || folds(r) {
		equal = equalFold
	}
	return pairs(k.texts(l), k.texts(r), equal)
}

// compareRaw compares what is no field's: with == a pattern is a text there like
// any other. With =~ it is a pattern, which is what policies rely on.
func (k *compiler) compareRaw(e *Comparison) func(*Context) bool {
	l, r := k.texts(e.L), k.texts(e.R)
	_, written := Bare(e.L).(*Literal)
	if lit, ok := Bare(e.R).(*Literal); ok && !written && isMatch(e) {
		return k.textWith(Bare(e.L), k.matcher(Bare(e.L), lit.Value))
	}
	return pairs(l, r, func(a, b string) bool { return a == b })
}

// isMatch tells whether a comparison was written with =~ or !~.
func isMatch(e *Comparison) bool {
	n, ok := e.Source().(*Binary)
	return ok && n.Op.positive() == Match
}

func hasField(e Expr) bool {
	found := false
	Walk(e, func(e Expr) bool {
		_, ok := e.(*FieldRead)
		found = found || ok
		return !found
	})
	return found
}

// textFlags are how the field that e reads compares texts.
func textFlags(e Expr) (path, fold bool) {
	if read, ok := e.(*FieldRead); ok {
		return read.Field.Path, read.Field.Fold
	}
	return false, false
}

func folds(e Expr) bool {
	_, fold := textFlags(e)
	return fold
}

// matcher is the matcher of a literal that is compared with e. The checker has
// seen that there is one.
func (k *compiler) matcher(e Expr, v Value) TextMatcher {
	path, fold := textFlags(e)
	if v.Form == Regexp {
		fold = false // the expression itself says whether case counts
	}
	m, err := NewTextMatcher(v, path, fold)
	if err != nil {
		return func(string) bool { return false }
	}
	return m
}

// textWith tests the values of e, and for a field with further readings these.
func (k *compiler) textWith(e Expr, m TextMatcher) func(*Context) bool {
	read, ok := e.(*FieldRead)
	if !ok {
		return k.texts(e).any(func(_ *Context, s string) bool { return m(s) })
	}
	if read.Field.Instead != nil {
		m = textSetMatcher(read.Field.Instead, nil, read.Field.Fold)
	}
	test := func(_ *Context, s string) bool { return m(s) }
	run := k.texts(e).any(test)
	if k.probes(read) {
		return run
	}
	for _, also := range read.Field.Also {
		first, second := run, also
		run = func(c *Context) bool {
			if first(c) {
				return true
			}
			s := second(c)
			return s != "" && m(s)
		}
	}
	return run
}

// textIn compiles membership in a list. Texts that are put together when the
// event is there are compared one by one.
func (k *compiler) textIn(l Expr, set *Set) func(*Context) bool {
	var exact []string
	var patterns []TextMatcher
	var dynamic []func(*Context) string
	for _, m := range set.Members {
		switch m := m.(type) {
		case *Literal:
			if m.Value.Form == Scalar {
				exact = append(exact, m.Value.Text)
			} else {
				patterns = append(patterns, k.matcher(l, m.Value))
			}
		case *Interpolation:
			dynamic = append(dynamic, k.interpolation(m))
		}
	}
	run := k.textWith(l, textSetMatcher(exact, patterns, folds(l)))
	for _, text := range dynamic {
		first := run
		also := k.texts(l).any(func(c *Context, s string) bool { return s == text(c) })
		run = func(c *Context) bool { return first(c) || also(c) }
	}
	return run
}

// textSetMatcher tells whether a text is one of a list or fits a pattern.
func textSetMatcher(exact []string, patterns []TextMatcher, fold bool) TextMatcher {
	switch {
	case len(patterns) == 0 && len(exact) == 1 && !fold:
		return func(s string) bool { return s == exact[0] }
	case len(patterns) == 1 && len(exact) == 0:
		return patterns[0]
	}
	table := NewTextTable(exact, fold)
	if len(patterns) == 0 {
		return func(s string) bool { return table.Find(s) >= 0 }
	}
	return func(s string) bool {
		if table.Find(s) >= 0 {
			return true
		}
		for _, p := range patterns {
			if p(s) {
				return true
			}
		}
		return false
	}
}
