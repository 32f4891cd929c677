"""What is to be done again and again, by people and by jobs: the maintenance checklist."""
