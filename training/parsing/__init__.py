"""Training of the parsing network: drawn people, real photographs with teachers' mattes, and what a camera does to both."""
