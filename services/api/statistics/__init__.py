"""What the record of alerts says about rules, people and components."""
