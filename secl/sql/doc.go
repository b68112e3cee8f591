// Package sql asks stored events what a rule of the agent asks of live ones.
//
// Where makes the condition, over the columns of table events, from the tree that the
// agent evaluates. For events that are stored it holds exactly where the agent's rule
// matches (TestTheAgentAndTheDatabaseReadARuleAlike, and case by case
// TestStoredEventsAnswerTheSECLCases); a rule that asks for what is not
// stored is refused, and the error names it
// (TestARuleThatStoredEventsCannotBeAskedSaysWhy). The text of the SQL does not depend
// on texts of the rule (TestSQLOfARuleDoesNotDependOnItsTexts).
//
// It knows how values are stored through compiler/search only.
package sql
