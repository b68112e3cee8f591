// Package explain says why a rule made a signal, or made none: of an event, or of a group
// at a moment. It says what an anomaly rule has learned of a group, too.
//
// It decides nothing itself: what a group comes to is what scheduler/detect says, and how
// far evaluation has come is asked of a Source, which the scheduler is. It reads no clock
// and knows no store. Start at Rule, at Series, and at
// CourseOf, which says how values went over time.
package explain
