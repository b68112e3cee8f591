package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"nightjar/engine"
	"nightjar/schema"
)

// spanFlags are --from and --to of a command, which reads them as every other
// does.
type spanFlags struct{ from, to string }

// add adds the flags. of says what they are about, and end what --to means.
func (s *spanFlags) add(c *cobra.Command, of, end string) {
	c.Flags().StringVar(&s.from, "from", s.from, of+"from then on: "+schema.MomentForms)
	c.Flags().StringVar(&s.to, "to", s.to, of+end)
}

// given reads the ends that were given; nil is one that was not.
func (s *spanFlags) given(c *cobra.Command) (from, to *schema.Millis, err error) {
	now := engine.Now()
	for _, end := range []struct {
		flag, text string
		into       **schema.Millis
	}{{"from", s.from, &from}, {"to", s.to, &to}} {
		if end.text == "" {
			continue
		}
		at, err := schema.ParseMoment(end.text, now)
		if err != nil {
			return nil, nil, &usageError{c.CommandPath(), fmt.Errorf("--%s: %w", end.flag, err)}
		}
		*end.into = &at
	}
	if from != nil && to != nil && *from > *to {
		return nil, nil, &usageError{c.CommandPath(), fmt.Errorf("--from (%s) is after --to (%s)", from, to)}
	}
	return from, to, nil
}

// bounds are the ends, all time where none was given: from <= t < to.
func (s *spanFlags) bounds(c *cobra.Command) (from, to schema.Millis, err error) {
	first, last, err := s.given(c)
	from, to = schema.MinMillis, schema.MaxMillis+1
	if first != nil {
		from = *first
	}
	if last != nil {
		to = *last
	}
	return from, to, err
}

// into puts the ends that were given into the parameters of a request.
func (s *spanFlags) into(c *cobra.Command, params map[string]string) error {
	from, to, err := s.given(c)
	if from != nil {
		params["from"] = from.String()
	}
	if to != nil {
		params["to"] = to.String()
	}
	return err
}
