"""Given names of many cultures, for the names that a small English model does not know; written by hand, folded to ASCII."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from redaction.memory import WORDS

GIVEN_NAMES: Final = frozenset(
    """
    aaron abby abdul abdullah abebe abel abena abigail abiodun abraham achim ada adam adama adaeze adebayo adele adelina aditi aditya
    adnan adrian adriana adrien aegir agata agnes agneta agnieszka ahmad ahmed aida aidan aiko aileen aimee aino aisha aishwarya aisling
    ajay ajit akash akemi akiko akin akira akua alain alan alana alba albert alberto aldo alec alejandra alejandro aleksander aleksandra
    aleksandar aleksei alena alessandra alessandro alessia alessio alex alexander alexandra alexandre alexandros alexei alexey alexis
    alfonso alfred alfredo ali alice alicia alina alisha alison alistair aliyah allan allen allison alma alois alvaro alyssa amadou amal
    amalia aman amanda amani amara amaya amelia amelie amina aminata amir amira amit amos amy ana anabel anahit anais anand ananya
    anastasia anastasios anders andre andrea andreas andree andrei andres andrew andrey andrzej andy aneta angel angela angelica angelika
    angelina angelo angie angus anh anika anil anita anja anjali ankit ann anna annabelle annalise anne anneke anneli annelies annegret
    annemarie annette annie annika anouk ansgar anthea anthony antje antoine anton antonella antonia antonin antonio antonios antony anu
    anya apolonia aram arash aravind archana archie ari ariana arianna ariel arif arjun arlene arman armando armin arnaud arne arno arnold
    aron arpad artem arthur arturo arun arvid arwen asa asami asha asher ashish ashley ashok asif aslan asma astrid ataru atsuko aubrey
    audrey augusta augustin aurelia aurelie aurelien aurora autumn ava avi avigail avinash avraham axel aya ayaka ayan ayana ayesha ayo
    ayodele aysel ayse aysha aysu ayumi azadeh aziz azra babak babette bahar balazs baptiste barbara barbora barnabas barry bartek bartosz
    bashir basil bastian beata beate beatrice beatriz becky bede begona behzad belen bella ben benedict benedikt benedita bengt benita
    benjamin benoit berenice berit bernadette bernard bernardo bernd bernhard bernice bert bertha bertram beth bethany betsy betty beverley
    beverly bianca bilal billy birgit birgitta birte bjarne bjorn blake blanca blanka bob bogdan boglarka boris bozena brad bradley
    brahim brandon branislav branko brenda brendan brent brett brian briana bridget brigitta brigitte brita britta brittany bronwen bruce
    bruno bryan bryce bryn brynn budi burak burcu caitlin caleb calum camila camilla camille camilo cara carina carl carla carlo carlos
    carlotta carly carmel carmela carmen carol carole carolin caroline carolyn carrie carsten caryn casey caspar cassandra cassidy
    catalina catarina caterina catherine cathy catriona cecile cecilia cecilie cedric celeste celia celine cem cemal cesar chaim chandra
    chandler chanel chantal charlene charles charlie charlotte chelsea chen chiara chidi chidinma chieko chike chinedu chinonso chinwe
    chioma chiyo chloe chris christa christel christelle christer christiaan christiane christina christine christoph christophe
    christopher christos chuck chukwuemeka chun cian ciara cillian cindy claes claire clara clarence clarice clarissa claudette claudia
    claudine claudio claus clemens clement clementine clyde cody colette colin colleen colm concepcion connor conor conrad constantin
    constanza consuelo cora coralie cordelia corey corinna corinne cornelia cornelis cosima cosimo courtney craig cristian cristiano
    cristina cristobal curtis cynthia cyril cyrille daan dafydd dagmar dagny daisuke daiki damian damien damir damon dan dana dani daniel
    daniela daniele danielle danilo danny daphne daria dariusz darko darius darlene darrell darren darryl dave davi david davide dawid
    deanna debbie debora deborah debra declan deepa deepak deepika deirdre delia delphine demetrius denis denise deniz dennis derek dermot
    desiree deshawn destiny detlef devon deborah dewi dexter dhruv diana diane dianne didier diego dieter dietmar dilek dilip dimitar
    dimitri dimitrios dimitris dina dinesh dino dionne dirk divya diyar dmitri dmitry doina dolores dominic dominik dominika dominique
    domenico don donal donald donatella donna donovan dora doreen dorian doris dorota dorothea dorothy dorte douglas dragan drago drew
    duc duncan dung dunja duong dusan dustin dwayne dylan ebele ebony ebru eckhard eddie edgar edith edmund edna edouard eduard eduardo
    edward edwin eero efe efua egil egon eileen einar eino eirini eirik ekaterina elaine elba eleanor elena eleni eleonora eli elia elias
    elif elijah elin elina elisa elisabeth elise elisha eliza elizabeth elke ella ellen ellie elliot elliott elmar elodie eloise elsa else
    elsie elvira elvis elzbieta emanuel emanuele emeka emer emil emile emilia emilie emilio emily emine emir emma emmanuel emmanuelle emre
    enda endre eneko eniko enric enrico enrique eoin eray ercan erdal eren erez eric erica erich erick erik erika eriko erin ernesto ernst
    ervin erwin esra esteban estefania estelle ester esther esti etienne eszter ethan etsuko eugene eugenia eugenio eun-ji eunice eva evan
    evangelia evangelos evelina eveline evelyn evgeni evgenia ewa ewan ezekiel ezra fabian fabiana fabien fabio fabiola fabrice fabrizio
    fadi faisal fanny farah fares farhad farid farida fatih fatima fatma fatou fatoumata federica federico fedor feelix felicia felicitas
    felicity felipe felix femi femke fenna ferdinand ferenc fergus fernanda fernando ferran filip filipa filipe filippo filiz finn finlay
    fiona flavia flavio fleur flora florent florentina florian fotini frances francesca francesco francine francis francisca francisco
    franck franco francois francoise franz franziska fraser fred freda freddie frederic frederick frederik frederique fredrik freja freya
    frida frieda friedrich fritz fumiko gabor gabriel gabriela gabriele gabriella gabrielle gael gaetan gaetano ganesh gareth garrett gary
    gaspard gaurav gavin geert gemma genevieve geoff geoffrey george georges georgi georgia georgina georgios gerald geraldine gerard
    gerardo gerd gerda gerhard germaine gerrit gerry gertrude gervasio ghassan giacomo giada giampaolo gianluca gianna gianni gideon gilbert
    gilda giles gilles gina ginevra gino giorgia giorgio giorgos giovanna giovanni gisela giselle gita giulia giuliana giuliano giulio
    giuseppe giuseppina gladys glenda glenn gloria goran gordon gottfried grace graciela graham grainne graziella greg gregor gregorio
    gregory greta gretchen grzegorz guadalupe gudrun guido guilherme guillaume guillermo gulsen gunnar gunter gunther gustaf gustav gustavo
    guy gwen gwendolyn gwenllian gwyneth gyorgy habib hadassah hadiza hae-won hakan hakim hala haley halima halina hamid hamza han hana hanako
    hanan hank hanna hannah hanne hannelore hannes hannu hans hans-peter harald haris harish harold harriet harrison harry hartmut haruka haruki haruna haruto
    hasan hasina hassan hatice hazel heather hector hedda hedwig heidi heike heiko heiner heinrich heinz helen helena helene helga helge
    helle hellen helmut hendrik hendrika henk hennie henning henri henrietta henrik henrike henrique henry herbert heriberto herman hermann
    hermine hernan herve hideki hiba hilary hilda hilde hildegard hillevi hiroko hiromi hiroshi hiroyuki holger holly homa horacio horst
    hortense howard hristo hubert hugh hugo hui-min humberto huong husam hussein huw hyacinth ian ianto iago ibrahim ichiro ida idris ieva ifeanyi
    ifeoma ignacio ignatius igor ikechukwu iker ilaria ilan ildiko ilse ilya iman imani imke imogen imran imre ina indira ines inga inge ingeborg
    ingmar ingo ingrid inigo inka ioana ioannis ion ira irena irene irfan irina irma isaac isabel isabela isabell isabella isabelle isaiah
    isak isha ishaan ishita isidora isla ismael ismail isolde itai italo itziar ivan ivana ivar ivo ivonne iwan iwona izabela jacek jacinta
    jack jackie jacob jacopo jacqueline jacques jade jaden jadwiga jae-hyun jaime jake jakob jakub jalal jamal jameela james jamie jamila jan jana
    jane janelle janet janez jani janice janina janine janis janne janos jared jari jarek jaromir jaroslav jasmin jasmina jason jasper
    javier jay jayden jayne jean jeanette jeanine jeanne jean-luc jean-pierre jeff jefferson jeffrey jelena jemima jemma jenna jennifer jenny jens jeremiah
    jeremy jerome jerry jerzy jesper jess jesse jessica jessie jesus jie jihad jill jillian jimena jimmy jin jin-ho jing jiri jisoo ji-hoon ji-woo ji-young joachim joan
    joana joanna joanne joao joaquin jocelyn jodie joe joel joelle joerg johan johann johanna johannes john johnny jokin jon jonas
    jonathan jonna joost jordi jorge jorgen jorn josef josefa josefina joseph josephine josh joshua josiah josie joslyn joy joyce jozef jozsef
    juan juana juanita judit judith judy juha jukka jules julian juliana julie julien juliet julieta juliette julio julius jun junko jurgen
    justin justina justine justyna jutta jyoti kacper kadir kai kaito kaja kalle kamal kamil kamila kamran kang kaori kara karel karen
    kari karim karima karin karina karl karla karolina karsten kasia kaspar kasper kassandra katalin katarina katarzyna kate katerina
    katharina katherine kathleen kathryn kathy katia katie katja katrin katrina katsuo katy kavita kay kaya kayla kayode kazimierz kazuki
    kazuko keanu keiko keira keisha keith kelechi kellie kelly kemal ken kendra kenichi kenji kenneth kenny kenta kenza kerem kerstin
    kevin keziah khadija khadijah khaled khalid khalil kiara kiera kieran kimberly kinga kinsey kiran kirill kirsten kirstin kirsty kjell klara klaas
    klaus knut kofi koji konrad konstantin konstantinos koray kouassi kourosh krishna krista kristen kristian kristiina kristin kristina
    kristine kristof kristoffer krystyna krzysztof kshitij kunal kurt kwabena kwame kyle kylie kyoko kyra laila lajos lakshmi lala lamia lana
    lara larisa larissa larry lars lasse laszlo latoya laura laure laurel lauren laurence laurens laurent lauri laurie lavinia lawrence layla
    lazar lea leah leandro leif leigh leila leilani lejla lena lene leni lenka lennart lennox leo leon leona leonard leonardo leonid leonie
    leonor leonora leopold leroy lesley leslie leszek leticia lev levent levi lewis leyla lia liam liana lida lidia liesbeth liesel lieselotte
    lilian liliana lilith lillian lin lina linda lindsay lindsey ling linnea linus lionel lior lisa lisbeth lise lisette liv livia liza lizzie
    ljubica lloyd loic lola lora lorena lorenz lorenzo loretta lori lorna lorraine lothar lotta lotte lou louis louisa louise lourdes luan
    luc luca lucas lucia lucian luciana luciano lucie lucien lucille lucinda lucio lucrezia lucy ludmila ludovic ludwig luigi luis luisa
    luise luiz luka lukas lukasz luke lupita lutz luuk lyn lynda lyndon lynette lynn lynne maarten maarit mabel maciej maddalena
    maddison madeleine madeline madhuri madoka mads mae maelle mafalda magali magda magdalena maggie magnus mahesh mahmoud mahsa mai maia
    maike mailin maja makoto malcolm malek malgorzata malik malin malte mamadou mandla mandy manfred manish manoj manolo manon mansour
    manuel manuela mara marc marcel marcela marceli marcella marcelo marcia marcin marco marcos marcus marek maren margaret margareta
    margarete margarida margarita margaux margherita margit margot margret margriet marguerite mari maria mariam marian mariana mariann
    marianna marianne mariano maribel marie marie-claire marieke mariela marijke marika mariko marilyn marina marine mario marion maris marisa marisol
    marit marius mariusz marjan marjolein marjorie marko markus marla marleen marlene marlies marlon marsha marta marten martha marthe
    martijn martin martina martine martinus marty marvin mary mary-ann maryam marzena masako masashi masoud massimo mateo mateus mateusz
    mathias mathieu mathilda mathilde mathis matias matilda matilde matt matteo matthew matthias matthieu mattia mattias maud maura
    maureen maurice mauricio maurits maurizio mauro max maxim maxime maximilian maximiliano maxine maya megan mehdi mehmet mei mei-ling mel melanie
    melina melinda melissa melody mercy meredith merete merve meryem mia micah michael michaela michal michel michela michele michelle
    michiel michiko mick midori miguel mihai mihaela mihail miika mikael mikaela mike mikel mikhail miki mikko mikolaj milagros milan
    milda mildred milena milica milos miloslav mimi min-jun mina minako minerva minh minna mio mira miranda mireille mireia miriam mirjam mirko mirna miro
    miroslav miroslava misaki mitsuko mitch mitchell miyuki modou mohamed mohammad mohammed mohan mohsen moira moises moishe molly mona monica
    monika monique mordechai morgane moritz morten moses moshe mostafa muhammad mukesh munira murat muriel mustafa myfanwy mykola myles
    myriam myrtle nabil nada nadezhda nadia nadine nadja nagisa naim nana nanami nancy nanette naoki naoko naomi narges narendra nasreen
    nasrin nasser natacha natalia natalie nataliya natascha natasha nathalie nathan nathaniel naveed navid navin nazanin neal ned neda neha
    nehir neil nela nelly nelson nena nerea nestor nevena ngozi ngoc nguyen nia niamh nicholas nick nicky nico nicola nicolae nicolas nicole
    nicoletta nidhi niels nigel nika nikhil niki nikita niklas niko nikola nikolai nikolaos nikolas nikos nils nina nino niraj nishant
    nisha nitin nkechi nnamdi noa noah noam noel noelia noelle noemi nomvula nontando noor nora norbert norma norman nour nuala nuno nuria nuri
    nurit obinna octavia octavio odd odette odile ofelia okan oksana olaf olav ole oleg oleksandr olena olga olivia olivier
    olle oluwaseun omar onur oona orhan orla orlando ornella orsolya oscar oskar osman oswald othmar otis otto ottilie ousmane oswaldo owen
    oyvind ozan ozge ozgur ozlem pablo paco paige palesa pal pallavi pamela panagiotis panagiota paola paolo paraskevi pascal pascale
    patrice patricia patricio patrick patrik patrizia paul paula paulina pauline paulo pavel pavla pawel payam peadar pedro peggy pekka
    penelope per percival peregrine perla pernille perrine persephone petar peter petra petri petros petter phil philip philipp philippa
    philippe phillip phoebe phuong phyllis pia pieter pieternel pierre pierre-yves pierrette pietro pilar pinar piotr pooja poppy pradeep prakash pramod
    pranav prasad pratik pravin preben precious preeti prem priscilla pritam priya priyanka przemyslaw puja purity qing quentin quincy
    rachel rachelle radek radka radko radoslav radu rafael rafaela raffaele raffaella rafi rafik ragnar ragnhild rahel rahim rahul raimund rainer
    raisa raj raja rajan rajeev rajesh raju rakesh ralf ralph ram rama ramesh rami ramin ramiro ramon ramona rana randall randi randy ranjit
    raphael raquel rashid rashida rasmus raul ravi ravindra raymond raymonde razvan rebecca rebekka reece reem regina reginald regine
    reidar reinhard reinhold reiko rekha remi remy rena renaldo renata renate renato rene renee renske renzo reto reuben reza rhiannon rhonda
    rhys ricarda ricardo riccardo richard rick ricky rico rieko rihanna rik rikard riku rina rita ritu riya rob robbert robbie robert roberta
    roberto robin robyn rocco rocio roddy roderick rodney rodolfo rodrigo roeland rogelio roger rohan rohit roisin roland rolando rolf romain
    romana romane romina romy ron ronald ronan ronja ronnie roos rory rosa rosalba rosalie rosalind rosaria rosario rosalyn roseline rosanna roseanne
    rosella roselyn rosemarie rosemary rosie rosina roswitha rowan rowena roxana roxanne ruben rubina rudi rudolf rudy rufus rui ruiz rukmini
    rupert russell ruslan ruth ruud ruxandra ryan ryo ryota saad saanvi sabine sabrina sachiko sadia sadie saeed safa safiya sahil sahra said
    saida saki sakshi sakura salim sally salma salman salome salvador salvatore sam samantha samina samir samira samson samuel samuela
    sana sandeep sander sandhya sandra sandrine sandro sanjay sanjeev sanna sanne santeri santosh saoirse sapna sara sarah sari sarita saskia
    sasha satish satoko satoshi saul saurabh savita scarlett scott sean seamus sebastian sebastiano sebastien seema sefa seiji selim selin selina selma
    sem semra seo-yeon serap serdar serena serge sergei sergey sergio serhiy seth seung-hyun sevda severin severine seyed seymour shabnam shahid shahram shai
    shamima shane shanice shaniqua shannon shanthi sharon shaun shauna shawn shay sheena sheila shelby sheldon shelly sherri sherry shigeru
    shilpa shin shinji shira shiran shireen shirin shirley shiro shlomo shlomit sho shobha shoko shota shreya shruti shu-fen shyam sibel sibongile sibylle
    siddharth sidney siegfried sieglinde sigmund signe sigrid sigrun sigurd silje silke silvana silvia silvio silvina simeon simon simona simone simran
    sina sindre sinead siobhan sipho sirkka siti sixten skye slavica slawomir sneha snezana sofia sofie soham solange solveig somchai sonia sonja
    sonya soo-jin sophia sophie soraya soren sotiris spencer spyros stacey stacy stan stanislav stanislaw stefan stefania stefanie stefano steffen
    stelios stephan stephane stephanie stephen steve steven stewart stig stijn stina stjepan stuart subhash sudha sudhir sue-ellen sui suleiman suman sumit
    sunil sunita sun-hee sung-min supriya suresh susan susana susann susanna susanne sushila susie suyash suzanne suzette svante svein sven svenja svetlana svitlana swati
    sybille sylvain sylvia sylvie sylwia szilvia szymon tabea tabitha tadashi tadeusz tadhg taina takako takashi takeshi takumi talia tal tamar
    tamara tamas tami tammy tania tanja tanvi tanya tara tarek tariq taras tasha tatiana tatjana tatsuya tawfiq teemu teodor teodora teofil
    teresa tereza teri terje terrence tessa thabo thaddeus thais thandiwe thanh thea thelma themba theo theodor theodora theodore theodoros
    theresa therese theresia thiago thibault thierry thijs thilo thomas thor thora thorben thore thorsten thu thuy tia tiago tiana tiffany tihana
    tihomir tilde till tilman tim timo timon timothy tina tino tiphaine titus tobias toby todd tom tomas tomasz tomislav tommaso
    tommy tomoko tone toni tonje tonya torben tord tore torsten tove tracey tracy trang travis trevor trine trisha tristan trond trudy trung truls
    tsvetan tsvi tuan tugba tullio tuomas tuomo tuula tyra tyrone tyrell tzipora tziporah udo ugo ulf uli ulla ulrich ulrika ulrike ulysse umar umberto
    una unai urs ursula urszula usha usman ute uwe uzma vaclav vadim valentin valentina valentino valeria valerie valerio valery vanessa vania
    vanja varun vasco vasile vasiliki vasilis vasily vasyl veera velma vera verena vernon veronica veronika veronique vesna vicente vicki
    vicky victor victoire vidar vidya viggo vijay vikas viktor viktoria viktoriya vikram vilde ville vilma vinay vince vincent vincente
    vincenzo vinicius vinod viola violet violeta violette virginie vishal vitali vito vittoria vittorio vivek vivian viviana vivien vivienne
    vlad vladimir vladislav vojtech volker volodymyr vuk wahid walid walter waltraud wanda wanjiru warren warwick wayne wei wei-ling wenche wendell wendy
    werner wesley whitney wibke wiebke wieland wieslaw wilbur wilfred wilfried wilhelm wilhelmina willem willemijn william
    willie wilma wim winfried winifred winnie winston wiremu wojciech wolfgang woody wouter wyatt xander xaver xavier xenia xiaoming xiaoli ximena xin xiu xochitl
    yael yair yakov yan yana yanis yann yannick yannis yara yaroslav yash yasmeen yasmin yasmina yasmine yasuko yasuo yaw yazid yehuda yelena yen yeon-hee yeva yigal yi-ting yitzhak yoav
    yohan yoko yolanda yolande yonatan yoram yosef yoshiko yoshi youssef yu-na yuan yui yuki yukiko yuko yulia yumi yun yuri yuriko yuriy yusra yusuf yuto yuval yvan
    yves yvette yvonne zac zacharie zachary zahra zahir zainab zaira zara zbigniew zdenek zdenka zehra zeina zeinab zelda zelia zenobia zeynep zhanna zhen zhi
    zhong zina zinaida zita zlata zlatan zoe zofia zoltan zoran zosia zsofia zsolt zsuzsanna zuleika zuzana zygmunt
    """.split()  # noqa: SIM905 - a list of two thousand quoted words is harder to read and to review
)
"""Given names (folded, lower case). A name that is also an ordinary word counts only with a family name after it."""

ALSO_WORDS: Final = frozenset(
    """
    ada adam ali amal amber an anita ari aria ariel asa asha athena aurora autumn avi aya basil bella bob buck carol chandler charlotte chase chelsea
    chen chris christa claire claude clement cody coral crystal daisy dakota dan dana dave dawn deniz dexter dirk don dora drew dung duncan efe eden ella
    else emir ernst esther eva faith fanny fleur flora florence francis frank gene georgia glen grace guy hana hank harmony hazel heather hope ian ida
    ina ion ira iris ivan ivy jack jade jan jasmin jasper jay jean jesse jesus jin jordan joy judy jules julia june jun karen kay ken kim kiran lance lara
    laurel lena levi lili lily lin ling lisa lola lou luna mae maria marina mark marine martin max may maya mel melody mercy mia mike milan mimi mina ming
    mio mira mona morgan my myles nana nancy neil nelson nia nico nina nino noa noel nova nur odd olive olivia opal orlando oscar pal paris per pearl penny
    phoenix pilar pip poppy precious prem purity quincy rafi raj raja ram rama randy ray rebel reed regina rei rene rich rick rio rita river rob robin roman ron
    rosa rose roos rosa rosie ruby rui ruth sage sally sam sandy sari saul sem sept seth sho sidney sina sky skye sol solange sonia stan star stella sui sue summer
    sydney tal tara terry tia till tim tina tom tone tore tracy trang troy una unai urs van vera vernon victor victoria viola violet virginia vito wanda warren
    wayne wei will winnie winston woody yan yen yen zac zara zen zhi zita
    apollo august austin bianca bill blake brent brooks carmen cedric cordelia dallas denver diego dorian elvis emerald faisal felicity houston israel jasmine joan
    kerry madison mario mercedes montana nadia octavia oswald penelope peter phoebe pierre raphael rowan roxana santiago savannah selma sierra siri tiffany titus toby
    """.split()  # noqa: SIM905 - see above
)
"""Given names that stand for other things as well: alone they prove nothing."""

WORDS_TOO: Final = frozenset(
    """
    amber angel april aria asa august aurora austin autumn basil bill buck carol chandler chase chelsea coral crystal daisy dakota dallas dawn denver dexter
    dirk drew dung eden else emerald faith fanny felicity fleur flora florence frank georgia glen grace guy harmony hazel heather hope houston ion iris israel
    ivy jack jade jasper jay jordan joy june jesus lance laurel lily luna madison mae mark marine max may mercedes mercy miles milan montana nova nur odd olive opal
    orlando pal paris pearl penny per phoenix pip poppy precious prem purity quincy ram ray reed rich rick river rob robin roman rose rosa ruby sage sandy santiago
    savannah sem sept sierra sky skye sol star stella summer sue sydney tal till tone tore troy una van vera victor victoria viola violet virginia warren will woody
    wesley yen
    """.split()  # noqa: SIM905 - see above
)
"""Given names that are words of English, places or products: "Will Call", "Grace Period", "Victoria Station"."""

_LETTERS = str.maketrans({"\u0131": "i", "ø": "o", "ł": "l", "ß": "ss", "đ": "d", "æ": "ae", "œ": "oe", "\u2019": "'"})


@lru_cache(maxsize=WORDS)
def is_given_name(word: str) -> bool:
    """Whether a word (as written, in any case) is a known given name; both halves count of a name with a hyphen."""
    folded = _folded(word)
    return folded in GIVEN_NAMES or ("-" in folded and all(part in GIVEN_NAMES for part in folded.split("-")))


def is_only_a_name(word: str) -> bool:
    """Whether a word is a given name and nothing else, so that it stands for somebody even alone."""
    folded = _folded(word)
    return is_given_name(word) and folded not in ALSO_WORDS and len(folded) > MIN_LONE


def is_word_too(word: str) -> bool:
    """Whether a given name is so much of an ordinary word that the next word must help to prove it."""
    return _folded(word) in WORDS_TOO


MIN_LONE: Final = 2
"""Letters that a name alone must have more than."""


@lru_cache(maxsize=WORDS)
def _folded(word: str) -> str:
    low = word.lower().translate(_LETTERS)
    if low.isascii():
        return low
    return "".join(letter for letter in unicodedata.normalize("NFKD", low) if not unicodedata.combining(letter))
