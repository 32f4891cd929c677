"""Alert rules made by page or API (docs/adr/0146); the evaluator reads them as one more rule file."""
