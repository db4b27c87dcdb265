package smtptest

// What the rows of WriteList are made of.
var (
	givenNames = []string{
		"Anna", "Ben", "Carla", "David", "Elif", "Frank", "Grace", "Hugo", "Ines", "Jonas", "Karin", "Liam",
		"Maria", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tara", "Umut", "Vera", "Will", "Yara", "Zoe",
		"Jürgen", "Zoë", "François", "Søren", "José", "Łukasz", "Ольга", "太郎", "美咲", "민준", "محمد",
	}
	familyNames = []string{
		"Adams", "Brown", "Clark", "Dupont", "Evans", "Fischer", "Garcia", "Hansen", "Ivanova", "Jones", "Kaya",
		"Lopez", "Meyer", "Nguyen", "O'Brien", "Patel", "Rossi", "Smith", "Taylor", "Ueda", "Van der Berg",
		"Weber", "Young", "Zimmermann", "Müller", "Nuñez", "Öztürk", "Håkansson", "Петрова", "山田", "김",
	}
	locals     = []string{"anna", "ben.k", "carla", "d", "elif", "f.rank", "grace", "hugo", "ines", "jo", "k.meyer", "liam", "mail", "noah", "olga_p", "paul", "rosa", "sam", "t", "vera", "xx", "yara", "zoe+news"}
	separators = []string{".", "_", "-", ""}
	cities     = []string{"Berlin", "Paris", "\"Portland, OR\"", "Köln", "São Paulo", "東京", "Lagos", "", "London", "Mumbai"}
	plans      = []string{"free", "free", "free", "basic", "pro", ""}
	roles      = []string{"info", "sales", "admin", "support", "postmaster", "abuse", "noreply", "webmaster"}
	typos      = []string{"gmial.com", "gmai.com", "gamil.com", "hotmial.com", "yaho.com", "outlok.com", "iclould.com"}
	// broken are beginnings of cells that are no address, whatever digits follow.
	broken = []string{"n/a ", "unknown", "anna@ ", "@gmail.com", "anna@@gmail.com", "anna gmail.com", "anna@gmail..com", "call +49 30 ", "anna@-x.", "a..b@gmail.com."}
)
