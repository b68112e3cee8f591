package compiler

import "nightjar/compiler/template"

// texts prepares the templates of the signals' texts. What is wrong with one is
// a warning, and shows as it was written: rules come from elsewhere, and a
// message with a flaw is better than none. The texts of the user go before those
// of the rule's maker.
func (c *ruleCompiler) texts() {
	r := &c.plan.Rule
	title, titleField := r.Name, "name"
	if o := r.Options.ThirdParty; o != nil && o.SignalTitleTemplate != "" {
		title, titleField = o.SignalTitleTemplate, "options.thirdPartyRuleOptions.signalTitleTemplate"
	}
	if r.CustomName != "" {
		title, titleField = r.CustomName, "customName"
	}
	message, messageField := r.Message, "message"
	if r.CustomMessage != "" {
		message, messageField = r.CustomMessage, "customMessage"
	}
	c.plan.Title, c.plan.Message = c.text(titleField, title), c.text(messageField, message)
}

func (c *ruleCompiler) text(field, text string) *template.Template {
	t := template.ParseLenient(text)
	for _, w := range t.Check(c.labelNames()...) {
		c.warnings = append(c.warnings, field+": "+w.String())
	}
	return t
}
