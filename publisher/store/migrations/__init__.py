"""The store's schema, revision by revision. Shipped in the wheel and run by the program itself."""
