"""Names of countries and large cities that a small English model misses; written by hand."""

from __future__ import annotations

from typing import Final

_COUNTRIES = """
    Afghanistan, Albania, Algeria, Andorra, Angola, Argentina, Armenia, Australia, Austria, Azerbaijan, Bahamas, Bahrain, Bangladesh, Barbados,
    Belarus, Belgium, Belize, Benin, Bhutan, Bolivia, Bosnia and Herzegovina, Botswana, Brazil, Brunei, Bulgaria, Burkina Faso, Burundi, Cambodia,
    Cameroon, Canada, Cape Verde, Colombia, Comoros, Costa Rica, Croatia, Cuba, Cyprus, Czech Republic, Czechia, Denmark, Djibouti, Dominican Republic,
    Ecuador, Egypt, El Salvador, Eritrea, Estonia, Eswatini, Ethiopia, Fiji, Finland, France, Gabon, Gambia, Germany, Ghana, Greece, Grenada,
    Guatemala, Guinea, Guyana, Haiti, Honduras, Hong Kong, Hungary, Iceland, Indonesia, Iran, Iraq, Ireland, Italy, Ivory Coast, Jamaica,
    Japan, Kazakhstan, Kenya, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia, Libya, Liechtenstein, Lithuania,
    Luxembourg, Macedonia, Madagascar, Malawi, Malaysia, Maldives, Malta, Mauritania, Mauritius, Mexico, Moldova, Monaco, Mongolia,
    Montenegro, Morocco, Mozambique, Myanmar, Namibia, Nepal, Netherlands, New Zealand, Nicaragua, Nigeria, North Korea, Norway, Oman, Pakistan,
    Palestine, Panama, Papua New Guinea, Paraguay, Peru, Philippines, Poland, Portugal, Qatar, Romania, Russia, Rwanda, Samoa, Saudi Arabia, Senegal,
    Serbia, Seychelles, Sierra Leone, Singapore, Slovakia, Slovenia, Somalia, South Africa, South Korea, South Sudan, Spain, Sri Lanka, Sudan,
    Suriname, Sweden, Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Togo, Tonga, Trinidad and Tobago, Tunisia, Turkmenistan, Uganda,
    Ukraine, United Arab Emirates, United Kingdom, United States, Uruguay, Uzbekistan, Vanuatu, Venezuela, Vietnam, Yemen, Zambia, Zimbabwe,
    England, Scotland, Wales, Northern Ireland, Deutschland, Frankreich, Italien, Schweiz, Holland, T\u00fcrkiye, Espa\u00f1a, Italia, Brasil, \u00d6sterreich
    """
COUNTRIES: Final = frozenset(name.strip() for name in _COUNTRIES.split(","))
"""Without the few that are more often something else: Chad, Georgia, Jordan, Mali, Niger, Turkey."""

_CITIES = """
    Aachen, Aarhus, Aberdeen, Abidjan, Abu Dhabi, Accra, Addis Ababa, Adelaide, Ahmedabad, Albuquerque, Aleppo, Alicante, Algiers, Almaty, Amman, Amsterdam,
    Anchorage, Ankara, Antalya, Antwerp, Antwerpen, Asunci\u00f3n, Athens, Atlanta, Auckland, Augsburg, Baghdad, Baku, Baltimore, Bamako, Bangalore, Bangkok,
    Barcelona, Bari, Basel, Beijing, Beirut, Belfast, Belgrade, Bengaluru, Bergen, Berlin, Bern, Bielefeld, Bilbao, Birmingham, Bochum, Bogot\u00e1, Bologna,
    Bonn, Bordeaux, Boston, Braga, Bras\u00edlia, Bratislava, Bremen, Brighton, Brisbane, Bristol, Brno, Bruges, Brussels, Bruxelles, Bucharest, Budapest, Buenos Aires,
    Buffalo, Bursa, Busan, Cairo, Calgary, Canberra, Cape Town, Caracas, Cardiff, Casablanca, Catania, Charleston, Chengdu, Chennai, Chiang Mai, Chicago,
    Chihuahua, Chittagong, Christchurch, Cincinnati, Cleveland, Cluj-Napoca, Coimbra, Cologne, Colombo, Columbus, Copenhagen, C\u00f3rdoba, Coventry, Curitiba, Cusco,
    Dakar, Damascus, Dar es Salaam, Delft, Delhi, Den Haag, Denver, Detroit, Dhaka, Doha, Donetsk, Dortmund, Dresden, Dubai, Dublin, Duisburg, Dundee, Durban, D\u00fcsseldorf,
    Edinburgh, Edmonton, Eindhoven, El Paso, Exeter, Florence, Fortaleza, Fort Worth, Frankfurt, Freiburg, Freetown, Fukuoka, Galway, Gaziantep, Gda\u0144sk, Gdansk, Geneva,
    Genoa, Genova, Ghent, Glasgow, Gothenburg, G\u00f6teborg, Graz, Groningen, Guadalajara, Guangzhou, Guayaquil, Haarlem, Haifa, Halifax, Hamburg, Hangzhou, Hanoi, Hannover, Harare,
    Havana, Heidelberg, Helsinki, Hiroshima, Ho Chi Minh City, Hobart, Hong Kong, Honolulu, Houston, Hyderabad, Ia\u0219i, Incheon, Indianapolis, Innsbruck, Isfahan, Islamabad, Istanbul,
    \u0130stanbul, Izmir, \u0130zmir, Jaipur, Jakarta, Jeddah, Jerusalem, Johannesburg, Kabul, Kampala, Kano, Kansas City, Karachi, Karlsruhe, Kathmandu, Katowice, Kaunas, Kharkiv, Khartoum, Kigali, Kingston,
    Kinshasa, Kobe, Kolkata, Krak\u00f3w, Krakow, Kuala Lumpur, Kuwait City, Kyiv, Kyoto, Lagos, Lahore, La Paz, Las Vegas, Lausanne, Leeds, Leicester, Leiden, Leipzig, Lille, Lima, Limerick, Lisboa, Lisbon,
    Liverpool, Ljubljana, \u0141\u00f3d\u017a, London, Los Angeles, Louisville, Luanda, Lucknow, Lusaka, Lviv, Lyon, Maastricht, Macau, Madrid, M\u00e1laga, Malm\u00f6, Manaus, Manchester, Manila, Mannheim, Maputo, Marrakesh, Marseille,
    Medell\u00edn, Melbourne, Memphis, M\u00e9rida, Mexico City, Miami, Milan, Milano, Milwaukee, Minneapolis, Minsk, Mogadishu, Mombasa, Montevideo, Montpellier, Montreal, Montr\u00e9al, Monterrey, Moscow, Mumbai, M\u00fcnchen, Munich,
    Muscat, Nagasaki, Nagoya, Nairobi, Nanjing, Nantes, Naples, Napoli, Nashville, New Delhi, New Orleans, New York, New York City, Newcastle, Nicosia, Nottingham, Nuremberg, N\u00fcrnberg, Oakland, Odesa, Oklahoma City, Omaha, Osaka, Oslo,
    Ottawa, Oxford, Palermo, Panama City, Paris, Perth, Philadelphia, Phnom Penh, Pittsburgh, Plymouth, Port Louis, Porto, Porto Alegre, Portland, Potsdam, Pozna\u0144, Prague, Praha, Pretoria, Puebla, Pune, Qu\u00e9bec, Quito,
    Rabat, Raleigh, Recife, Reykjav\u00edk, Reykjavik, Riga, Rio de Janeiro, Riyadh, Roma, Rome, Rosario, Rostock, Rotterdam, Sacramento, Salt Lake City, Salvador, Salzburg, San Antonio, San Diego, San Francisco, San Jos\u00e9, San Jose,
    San Juan, Santiago, Santo Domingo, S\u00e3o Paulo, Sapporo, Sarajevo, Seattle, Sendai, Seoul, Sevilla, Seville, Shanghai, Sheffield, Shenzhen, Skopje, Sofia, Southampton, Springfield, St. Louis, St. Petersburg, Stavanger,
    Stockholm, Strasbourg, Stuttgart, Surabaya, Swansea, Sydney, Szczecin, Taipei, Tallinn, Tampa, Tampere, Tangier, Tashkent, Tbilisi, Tehran, Tel Aviv, Thessaloniki, Tijuana, Tirana, Tokyo, Toledo, Torino, Toronto, Toulouse, Trieste,
    Tripoli, Trondheim, Tucson, Tulsa, Tunis, Turin, Turku, Ulaanbaatar, Uppsala, Utrecht, Valencia, Valladolid, Valpara\u00edso, Vancouver, Venice, Verona, Vienna, Vientiane, Vilnius, Vladivostok, Warsaw, Warszawa, Washington, Wellington, Wien,
    Windhoek, Winnipeg, Wroc\u0142aw, Wuhan, Wuppertal, Yangon, Yerevan, Yokohama, Zagreb, Zaragoza, Z\u00fcrich, Zurich
    """
CITIES: Final = frozenset(name.strip() for name in _CITIES.split(","))
"""Towns by the names they have in English or at home."""

PLACES: Final = COUNTRIES | CITIES
