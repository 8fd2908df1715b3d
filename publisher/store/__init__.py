"""The people's database: subscribers, issues, the ledger of deliveries."""
